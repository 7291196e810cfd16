"""The evaluation of a generator against real pictures that no compared training has seen, by several rulers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import torch
from torch import Tensor

from ganache.data import Dataset
from ganache.evaluation.evaluation import Score
from ganache.evaluation.features.base import FeatureInputs
from ganache.evaluation.features.extract import build_features, dataset_layers
from ganache.evaluation.measure import SEED, choose_positions, evaluate, generator_features
from ganache.evaluation.metrics.frechet import ALL, BlockPair, layers_distances
from ganache.training.device import keep_freed_memory
from ganache.types import Generator, Prior

HELD_OUT = 0.25
"""The share of the pictures that is held out; all trainings use the same other pictures."""
JUDGED = 2_000
RULERS = {
    "perceptual": ("layers", "frechet", "precision", "recall", "coverage", "patches", "variety"),
    "perceptual-2": ("layers", "frechet", "coverage"),
    "random": ("frechet",),
}
"""Features -> the scores that are shown. Choices are made by the first, and judged by the second."""
SHOWN = tuple(f"{features} {score}" for features, scores in RULERS.items() for score in scores)
CHOSEN_BY, JUDGED_BY = "perceptual layers", "perceptual-2 layers"


class Remembered(Generator):
    """A generator that computes each batch of latents once, however many rulers ask for it, in bfloat16.

    A pixel differs by 2 or 3 of 255 from float32 at the most; `anime-article` takes a fifth of the time.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.z_dim, self.image_shape = generator.z_dim, generator.image_shape
        self.generator, self.known = generator, dict[bytes, Tensor]()

    def synthesis(self, w: Tensor) -> Tensor:
        key = w.numpy().tobytes()
        if key not in self.known:
            with torch.autocast("cpu", torch.bfloat16):
                self.known[key] = self.generator(w)
        return self.known[key]


def judged(generator: Generator, prior: Prior, data: Dataset) -> dict[str, Score]:
    """Return the SHOWN scores of 2,000 samples against the held-out pictures of `data`."""
    keep_freed_memory()
    generator = Remembered(generator)
    fingerprint = f"{data.fingerprint}-held-out"  # by which features of real pictures are cached
    unseen = replace(data, images=data.at(data.held_out), labels=None, digests=None, fingerprint=fingerprint).split(0.0)
    found: dict[str, Score] = {}
    for features, names in RULERS.items():
        evaluation = evaluate(generator.eval(), prior, unseen, features=features, n=JUDGED)
        found |= {f"{features} {name}": evaluation[name] for name in names}
    return found


@torch.no_grad()
def distances(
    generator: Generator, prior: Prior, data: Dataset, n: int, rulers: Sequence[str] = tuple(RULERS)
) -> dict[str, float]:
    """Return the distances of n samples to the training pictures by each ruler, without errors, in less time."""
    keep_freed_memory()
    generator, positions = Remembered(generator.eval()), choose_positions(data, n, SEED, True)
    found: dict[str, float] = {}
    for name in rulers:
        extractor = build_features(name, FeatureInputs(data, positions.real[:n], positions.held_out))
        real = dataset_layers(data, positions.real[:n], extractor, None, False)
        fake, _ = generator_features(generator, prior, n, SEED, extractor, 1, False)
        pairs = [BlockPair(*layer) for layer in zip(real, fake, strict=True)]
        if len(pairs) > 1:
            found[f"{name} layers"] = float(layers_distances(pairs))
        found[f"{name} frechet"] = float(pairs[-1].distances([ALL]))
    return found


def order_note(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Return a sentence on the pairs of rows that the two perceptual rulers order differently; "" if there is none."""
    pairs = [
        f"{a} and {b}"
        for a, b in combinations(rows, 2)
        if (rows[a][CHOSEN_BY] - rows[b][CHOSEN_BY]) * (rows[a][JUDGED_BY] - rows[b][JUDGED_BY]) < 0
    ]
    return f"The two perceptual rulers order differently: {'; '.join(pairs)}." if pairs else ""
