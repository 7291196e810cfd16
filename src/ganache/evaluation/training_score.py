"""The score of a generator in training: how far its images are from real ones, in a fraction of a second.

It chooses the best checkpoint of a run. A few hundred images are enough: the scores of the same generator with other
latents differ by less than a hundredth.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from math import prod

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ganache.core.images import as_rgb
from ganache.evaluation.features.base import resize
from ganache.evaluation.features.extract import default_features
from ganache.evaluation.features.perceptual import SHORTEST, SIDE
from ganache.evaluation.metrics.energy import energy_distance
from ganache.evaluation.metrics.sliced_wasserstein import sliced_distance
from ganache.evaluation.metrics.thumbnails import coverage_and_precision
from ganache.networks.efficientnet import EfficientNetLite, load_network

PIXELS = 8 * 128 * 128
"""Pixels of the images that the network sees at once: their maps fit into the cache of a core."""

REGIONS = ("top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right")
"""The regions of an image, a grid of 3x3, row by row."""

REGION_STAGE = 3
"""The stage whose maps tell regions apart: one value stands for 8x8 pixels, and sees some fifty."""


@dataclass(frozen=True)
class Comparison:
    """How generated images compare with real ones. What patches cannot tell is None."""

    score: float
    """The distance; lower is better."""
    precision: float | None = None
    """Share of generated images that are near a real one in perceptual features: fidelity."""
    coverage: float | None = None
    """Share of real images that have a generated one near them: variety."""
    regions: dict[str, float] | None = None
    """The distance in each of the REGIONS."""


class TrainingScore(ABC):
    """Compares images x [N, *image_shape] with fixed real ones."""

    def __init__(self, real: Tensor) -> None:
        self.real = real

    @abstractmethod
    def compare(self, x: Tensor) -> Comparison:
        """Compare x with the real images."""

    def score_of_blank_images(self) -> float:
        """Return the score of images of the real ones' mean colour, or of points at their mean."""
        real = self.real
        return self.compare(real.mean(dim=[0, *range(2, real.ndim)], keepdim=True).expand_as(real)).score


class PatchScore(TrainingScore):
    """`sliced_distance`: between patches of images, from texture to shape, or between points."""

    def compare(self, x: Tensor) -> Comparison:
        return Comparison(sliced_distance(self.real, x))


class PerceptualScore(TrainingScore):
    """The energy distance between features of EfficientNet-Lite0, relative to the distance of two real images.

    It is the mean over eight stages, times 1000; the features of a stage are its maps, averaged over the image. The
    first stages see texture and colour, which order images before shapes have formed; the last ones see shapes. The
    network sees images at their own size, so that a score takes a fraction of a second.
    """

    def __init__(self, real: Tensor) -> None:
        super().__init__(real)
        self.network = shared_network()
        *self.stages, self.last, self.regions = self.extract(real)

    def compare(self, x: Tensor) -> Comparison:
        *stages, last, regions = self.extract(x)
        distances = [relative_distance(real, fake) for real, fake in zip(self.stages, stages, strict=True)]
        coverage, precision = coverage_and_precision(self.last, last)
        where = {
            name: relative_distance(self.regions[:, :, index], regions[:, :, index])
            for index, name in enumerate(REGIONS)
        }
        return Comparison(sum(distances) / len(distances), precision, coverage, where)

    @torch.no_grad()
    def extract(self, x: Tensor) -> list[Tensor]:
        """Return the features [N, C] of images x at each stage and in the last map, and those [N, C, 9] of regions."""
        size = own_size(x.shape[2:])
        parts = x.split(max(1, PIXELS // prod(size)))  # type: ignore[no-untyped-call]
        rows = [self.of_part(resize(as_rgb(part), size)) for part in parts]
        return [torch.cat(each) for each in zip(*rows, strict=True)]

    def of_part(self, x: Tensor) -> list[Tensor]:
        """Return the same of images [B, 3, H, W] that the network sees at once."""
        stages = self.network.stages(x)
        means = [maps.mean(dim=(2, 3)) for maps in (*stages, self.network.top(stages[-1]))]
        return [*means, adaptive_avg_pool2d(stages[REGION_STAGE], 3).flatten(2)]


def own_size(size: tuple[int, ...]) -> tuple[int, int]:
    """Return the size (H, W) at which the network sees images of this size: their own, within its limits.

    >>> own_size((28, 28)), own_size((64, 48)), own_size((256, 256))
    ((32, 32), (64, 48), (128, 128))
    """
    height, width = (min(SIDE, max(SHORTEST, side)) for side in size)
    return height, width


def relative_distance(real: Tensor, fake: Tensor) -> float:
    """Return the energy distance of rows [M, F] and [N, F], relative to the mean distance of two real ones, times 1000.

    If all real ones are equal, it is the distance itself, times 1000.
    """
    return 1000 * energy_distance(real, fake) / (float(torch.pdist(real).mean()) or 1.0)


@cache
def shared_network() -> EfficientNetLite:
    """Return the network for all scores of a process, which stays on the CPU."""
    return load_network("lite0")


def training_score(name: str, real: Tensor) -> TrainingScore:
    """Return the score "perceptual" or "patches" against real x [N, *image_shape].

    Points, images that the perceptual network cannot see, and a single image have a score of patches.
    """
    suits = default_features(tuple(real.shape[1:])) == "perceptual" and len(real) > 1  # type: ignore[arg-type]
    return PerceptualScore(real) if name == "perceptual" and suits else PatchScore(real)
