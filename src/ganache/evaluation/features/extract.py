"""Pictures -> features, by extractors that are chosen by name. What real pictures give is kept in the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from ganache.core import storage
from ganache.core.images import as_x
from ganache.data import Dataset
from ganache.data.pack import cache_folder, key_of
from ganache.errors import CheckpointError, ConfigError, choices
from ganache.evaluation.features.base import Features, Pixels, RandomFeatures
from ganache.evaluation.features.classifier import Classifier, accuracy, trained
from ganache.evaluation.features.inception import FILE, Inception

VERSION = 1
"""Part of every cached file's key: raised when features would come out otherwise."""

FEATURES = ("classifier", "inception", "pixels", "random")
CHUNK = 256

TAUGHT = 10_000
"""Pictures that a classifier learns from, at most."""

Positions = NDArray[np.integer[Any]]


def extractor_of(
    name: str, data: Dataset, training: Positions, held_out: Positions, cache: Path | None, weights: Path | None = None
) -> tuple[Features, tuple[str, ...]]:
    """The features of that name for these data, and what there is to say about them. A classifier is trained on the
    training pictures, and tried on the held-out ones."""
    if name not in FEATURES:
        raise ConfigError(f"There are no features '{name}': {choices(name, FEATURES)}")
    if (name == "inception") != (weights is not None):
        raise ConfigError(
            "The features 'inception' are a network trained elsewhere, and --weights names the file of its weights, "
            f"{FILE}: give both or neither."
        )
    if weights is not None:
        inception = Inception(data.image_shape, weights)
        others = f"The weights are not those of {FILE}: these are not the numbers of papers."
        return inception, () if inception.known else (others,)
    if name == "pixels":
        return Pixels(data.image_shape), ()
    if name == "random":
        return RandomFeatures(data.image_shape), ()
    classes = len(data.label_names)
    if data.labels is None or classes < 2:
        raise ConfigError(
            f"{data.name} has no labels that a classifier could learn: use --features random, or give data with labels."
        )
    classifier, taught = Classifier(data.image_shape, classes), training[:TAUGHT]
    labels = torch.from_numpy(data.labels.copy())

    def learn() -> dict[str, Tensor]:
        return dict(trained(torch.from_numpy(data.at(taught)), labels[taught], classes).state_dict())

    classifier.load_state_dict(cached(cache, ("classifier", data.fingerprint, digest(taught)), learn))
    asked, whose = (held_out, "held-out") if len(held_out) else (taught, "its own training")
    asked = asked[:2000]
    right = accuracy(classifier, as_x(data.at(asked)), labels[asked])
    return classifier.eval().requires_grad_(False), (
        f"The classifier names the class of {right:.1%} of {len(asked):,} {whose} pictures.",
    )


def of_data(data: Dataset, chosen: Positions, extractor: Features, cache: Path | None, progress: bool) -> Tensor:
    """Features of the chosen pictures [N, F], from the cache if they are there."""

    def look() -> dict[str, Tensor]:
        parts = [chosen[start : start + CHUNK] for start in range(0, len(chosen), CHUNK)]
        bar = tqdm(parts, desc="looking at real pictures", unit_scale=CHUNK, disable=None if progress else True)
        return {"features": torch.cat([looked_at(data.at(part), extractor) for part in bar])}

    if not len(chosen):
        return torch.empty(0, extractor.num_features)
    return cached(cache, ("features", data.fingerprint, extractor.hash, digest(chosen)), look)["features"]


def looked_at(pictures: NDArray[Any], extractor: Features) -> Tensor:
    """Features [n, F] of pictures uint8 [n, H, W, C] or points [n, 2]."""
    device = next(iter(extractor.state_dict().values()), torch.empty(0)).device
    h: Tensor = extractor(as_x(pictures).to(device))
    return h.cpu()


def cached(cache: Path | None, parts: tuple[object, ...], make: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors that depend on `parts` alone: from the cache, else made, and kept there where it can be written."""
    path = cache_folder(cache) / "features" / f"{key_of(VERSION, *parts)}{storage.SUFFIX}"
    with suppress(CheckpointError):  # it is not there, or damaged
        return storage.load(path)[0]
    tensors = make()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.save(path, tensors, {})
    return tensors


def digest(positions: Positions) -> str:
    return hashlib.sha256(positions.tobytes()).hexdigest()
