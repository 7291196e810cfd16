"""The critic's overview: a thumbnail of each image and the spread of thumbnails across images, read past all norms.

A critic with batch norm sees each batch relative to the batch's own mean and variance, so it cannot tell a generator
that its images are too dark, too pale or too uniform overall. The overview bypasses the norms and gives the critic's
head both. The spread is the minibatch standard deviation of Karras et al. 2018, "Progressive growing of GANs", section
3, which takes one number from the features; here it is taken per thumbnail pixel.
"""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor, nn

from ganache.types import ImageShape

GROUP = 4
"""Images per group over which the standard deviation is taken, as in the paper. For a batch that is not a multiple of
it, the greatest common divisor."""
STATISTICS_SCALE = 4.0
"""Factor on the thumbnails and their spread, so that they have an effect from the start (`bench/NOTES.md`)."""
UNITS = 1024
"""Units of each of the two layers that read the thumbnail. A linear head alone could not compare two of its pixels."""
SLOPE = 0.2  # of LeakyReLU, as in DCGAN's critic


class Overview(nn.Module):
    """Features of a thumbnail: x [B, C, H, W] -> [B, UNITS]. H and W are multiples of `side`, the thumbnail's side."""

    batch_groups = 1
    """The number of equal batches in the input, which keep statistics of their own (`types.Critic.both`)."""

    def __init__(self, side: int, shape: ImageShape) -> None:
        super().__init__()
        self.side = side
        layers: list[nn.Module] = []
        for inputs in (2 * shape[0] * side**2, UNITS):
            layers += [nn.Linear(inputs, UNITS), nn.LeakyReLU(SLOPE, inplace=True)]
        self.read = nn.Sequential(*layers)

    def initialise(self) -> None:
        initialise_read(self.read)

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.read(STATISTICS_SCALE * thumbnail_statistics(x, self.side, self.batch_groups))
        return features


def initialise_read(layers: nn.Sequential) -> None:
    """Initialise weights so that the signal's variance survives LeakyReLU (He et al. 2015, section 2.2)."""
    for layer in layers.children():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, SLOPE)
            nn.init.zeros_(layer.bias)


def thumbnail_statistics(x: Tensor, side: int, groups: int = 1) -> Tensor:
    """Return thumbnails and their standard deviation within groups of images, [B, 2 * side * side * C].

    A thumbnail is the mean over side x side areas of x [B, C, H, W]. `groups` is the number of equal batches in x; no
    group of images spans two of them.
    """
    B, C, H, W = x.shape
    areas = x.permute(0, 2, 3, 1).reshape(B, side, H // side, side, W // side, C)
    means = areas.mean((2, 4)).flatten(1)
    group = gcd(GROUP, B // groups)
    grouped = means.view(groups, group, -1, means.shape[1])
    spread = (grouped.var(1, correction=0) + 1e-8).sqrt().repeat(1, group, 1)
    return torch.cat([means, spread.flatten(0, 1)], 1)
