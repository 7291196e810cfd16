"""The perceptual distance of two images: how far apart the feature maps of a network are, from edges to shapes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ganache.core.images import as_rgb
from ganache.evaluation.features.base import resize
from ganache.evaluation.features.perceptual import PerceptualFeatures

SHORTEST = 1.0
"""Shorter vectors of channels are divided by this; those of pictures have lengths of 5 to 150."""


class PerceptualDistance:
    """LPIPS without learned weights (Zhang et al. 2018, equation 1), of the eight stages of EfficientNet-Lite.

    The vector of channels is scaled to length 1 at each pixel of each map. The distance is the squared difference of
    these vectors, averaged over the pixels and summed over the stages: 0 for equal images, and quadratic for small
    changes.
    """

    def __init__(self, features: PerceptualFeatures) -> None:
        """Compare images as these features see them."""
        self.features = features

    def maps(self, x: Tensor) -> list[Tensor]:
        """Return the scaled maps [N, C_l, H_l, W_l] of images x [N, C, H, W] in [-1, 1]. They have a gradient."""
        stages = self.features.network.stages(resize(as_rgb(x), self.features.size))
        return [F.normalize(y, dim=1, eps=SHORTEST) for y in stages]

    def __call__(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the distances [N] of images a and b [N, C, H, W] in [-1, 1]."""
        return map_distance(self.maps(a), self.maps(b))


def map_distance(a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
    """Return the distances [N] of images with these scaled maps."""
    each = [(x - y).square().sum(dim=1).mean(dim=(1, 2)) for x, y in zip(a, b, strict=True)]
    return torch.stack(each).sum(dim=0)
