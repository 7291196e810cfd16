"""Build a feature extractor by name, and extract the features of images. Features of real images are cached."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganache.core.images import as_x
from ganache.core.progress import bar as progress_bar
from ganache.core.table import choices_or_plugin
from ganache.data import Dataset
from ganache.errors import ConfigError
from ganache.evaluation.features import FEATURES
from ganache.evaluation.features.base import MIN_SIDE, FeatureInputs, Features, Positions
from ganache.evaluation.features.cache import cached_tensors, positions_digest
from ganache.evaluation.features.perceptual import CHANNELS
from ganache.types import ImageShape

CHUNK = 256
"""Images that are read and decoded at a time."""


def build_features(name: str, inputs: FeatureInputs) -> Features:
    """Return the extractor registered under `name`, built for the images of `inputs.data`.

    Raises ConfigError for an unknown name, for weights that are missing or not needed, and for data that do not suit
    the extractor.
    """
    if name not in FEATURES:
        raise ConfigError(f"There are no features '{name}': {choices_or_plugin(name, FEATURES)}")
    extractor = FEATURES[name]
    if extractor.weights_file is not None and inputs.weights is None:
        raise ConfigError(
            f"The features '{name}' are a pretrained network: add --weights with the path of its file, "
            f"{extractor.weights_file}."
        )
    if extractor.weights_file is None and inputs.weights is not None:
        raise ConfigError(f"The features '{name}' take no file of weights: leave out --weights, or change --features.")
    built = extractor.build(inputs)
    for needed in ("name", "num_features", "preprocessing"):
        if not hasattr(built, needed):
            raise ConfigError(f"The features '{name}' (FEATURES['{name}']) have no '{needed}': set it in the class.")
    return built


def default_features(image_shape: ImageShape) -> str:
    """Return the name of the features that images of this shape are compared by unless others are chosen.

    >>> default_features((3, 64, 64)), default_features((1, 28, 28)), default_features((2,))
    ('perceptual', 'perceptual', 'pixels')
    """
    if len(image_shape) != 3 or min(image_shape[1:]) < MIN_SIDE:
        return "pixels"
    return "perceptual" if image_shape[0] in CHANNELS else "random"


def suitable_features(image_shape: ImageShape) -> Features | None:
    """Return the default features of images of this shape; None for points and tiny images, which have only pixels."""
    name = default_features(image_shape)
    return None if name == "pixels" else FEATURES[name](image_shape)  # type: ignore[call-arg]


def perceptual_sample(data: Dataset, fewest: int, most: int) -> tuple[Positions, Features] | None:
    """Return (positions of at most `most` images in random order, the perceptual features for them).

    None for points, for images that these features cannot see, and for fewer than `fewest` images.
    """
    if len(data) < fewest or default_features(data.image_shape) != "perceptual":
        return None
    positions: Positions = np.random.default_rng(0).permutation(len(data))[:most]
    return positions, build_features("perceptual", FeatureInputs(data, positions, positions[:0]))


def dataset_features(
    data: Dataset, positions: Positions, extractor: Features, cache: Path | None, progress: bool
) -> Tensor:
    """Return the features [N, F] of the images at `positions`, from the cache if they are there."""
    return dataset_layers(data, positions, extractor, cache, progress)[-1]


def dataset_layers(
    data: Dataset, positions: Positions, extractor: Features, cache: Path | None, progress: bool
) -> list[Tensor]:
    """Return the features of each layer [N, F] of the images at `positions`, from the cache if they are there."""

    def compute() -> dict[str, Tensor]:
        parts = [positions[start : start + CHUNK] for start in range(0, len(positions), CHUNK)]
        bar = progress_bar(parts, desc="features of real images", unit_scale=CHUNK, shown=progress)
        layers = join_chunks((picture_layers(data.at(part), extractor) for part in bar), len(positions))
        return {f"layer{index:02}": layer for index, layer in enumerate(layers)}

    if not len(positions):
        return [torch.empty(0, extractor.num_features)]
    key = ("layers", data.fingerprint, extractor.hash, positions_digest(positions))
    tensors = cached_tensors(cache, key, compute)
    return [tensors[name] for name in sorted(tensors)]


def picture_features(pictures: NDArray[Any], extractor: Features) -> Tensor:
    """Return the features [n, F], on the CPU, of images uint8 [n, H, W, C] or points float32 [n, 2]."""
    h: Tensor = extractor(as_x(pictures).to(device_of(extractor)))
    return h.cpu()


def picture_layers(pictures: NDArray[Any], extractor: Features) -> list[Tensor]:
    """Return the features of each layer [n, F] of the same, on the CPU."""
    return [layer.cpu() for layer in extractor.layers(as_x(pictures).to(device_of(extractor)))]


def join_chunks(chunks: Iterable[list[Tensor]], n: int) -> list[Tensor]:
    """Join the features of chunks of images, n images in all, to those of each layer [n, F].

    Each chunk is copied as it comes, so that the features of all images are in memory once.
    """
    layers: list[Tensor] = []
    start = 0
    for chunk in chunks:
        layers = layers or [layer.new_empty(n, *layer.shape[1:]) for layer in chunk]
        end = start + len(chunk[0])
        for whole, part in zip(layers, chunk, strict=True):
            whole[start:end] = part
        start = end
    return layers


def device_of(extractor: Features) -> torch.device:
    return next(iter(extractor.state_dict().values()), torch.empty(0)).device
