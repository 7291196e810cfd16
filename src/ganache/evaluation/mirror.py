"""Can mirrored images be told from their originals? Then `data.flip` shows a generator images that do not exist."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ganache.core.images import as_x
from ganache.data import Dataset
from ganache.evaluation.features.cache import cached_tensors
from ganache.evaluation.features.extract import perceptual_sample
from ganache.evaluation.metrics.thumbnails import auc

SAMPLE, FEWEST = 400, 200
"""Images that are looked at, and the fewest of which anything can be said."""

FOLDS = 5
"""The classifier scores each fold of the images after training on the other folds."""

RIDGE = 1.0
"""Strength of the regularisation, as a multiple of the mean squared length of the differences."""

DIFFERENT, ALIKE = 0.85, 0.75
"""From this AUC on, mirrored images are different; up to this one they are alike, as faces are (0.6 to 0.75, of which
lighting and hair are the reason). Digits and letters reach 0.89 to 1."""


def mirror_auc(data: Dataset, cache: Path | None = None) -> float | None:
    """Return how well a linear classifier of perceptual features tells images from mirrored ones: 0.5 is chance.

    None for points, for images that these features cannot see, and for fewer than FEWEST images.
    """
    sample = perceptual_sample(data, FEWEST, SAMPLE)
    if sample is None:
        return None
    positions, extractor = sample

    def compute() -> dict[str, Tensor]:
        x = as_x(data.at(positions))
        return {"auc": torch.tensor(separability(extractor(x) - extractor(x.flip(3))))}

    return float(cached_tensors(cache, ("mirror", data.fingerprint, extractor.hash), compute)["auc"])


def separability(differences: Tensor) -> float:
    """Return the AUC of images against their mirror images, from the differences of their features h [N, F].

    The classifier is linear in h and has opposite scores for an image and its mirror image, so it is a ridge regression
    of 1 on the differences. It is trained on other images than it scores.
    """
    products = (differences @ differences.T).double()
    fold = torch.arange(len(products)) % FOLDS
    scores = torch.empty(len(products), dtype=torch.float64)
    for k in range(FOLDS):
        train, test = (fold != k).nonzero()[:, 0], (fold == k).nonzero()[:, 0]
        within = products[train][:, train]
        penalty = RIDGE * within.diagonal().mean() + 1e-12
        weights = torch.linalg.solve(within + penalty * torch.eye(len(train)), torch.ones(len(train)).double())
        scores[test] = products[test][:, train] @ weights
    return auc(scores, -scores)


def describe_mirror(found: float | None) -> str:
    """Return a sentence on `data.flip`; "" if nothing is known."""
    if found is None:
        return ""
    seen = f"mirrored pictures can be told from the originals with an AUC of {found:.2f} (0.5 is chance)"
    if found >= DIFFERENT:
        return f"the pictures know left from right: {seen}; train with --data.flip False."
    if found <= ALIKE:
        return f"mirrored pictures look like originals (AUC {found:.2f}, 0.5 is chance): --data.flip True suits them."
    return f"{seen}: look at a few mirrored ones before you choose --data.flip."
