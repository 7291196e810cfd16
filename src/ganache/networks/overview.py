"""What a critic's head reads besides its features: the picture in little, and how much the little pictures differ.

With batch norm, a critic sees each batch relative to its own mean and spread, so a generator may be too dark, too pale
or too uniform as a whole, and is not told. Both are seen here, past all norms. The spread within a group is that of
Karras et al. 2018, "Progressive growing of GANs", section 3, where it is one number, taken from the features.
"""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor, nn

from ganache.types import ImageShape

GROUP = 4
"""Pictures whose spread is taken; so many in the paper. Of a batch that is no multiple, as many as divide both."""
STATISTICS_SCALE = 4.0
"""What means and spreads are multiplied with, so that they count from the start (`bench/NOTES.md`)."""
UNITS = 1024
"""Of each of the two layers that read them. Without any, a head compares no two places of the little picture."""
SLOPE = 0.2  # of their LeakyReLU, as in DCGAN's critic


class Overview(nn.Module):
    """x [B, C, H, W] -> [B, UNITS], for sides that are multiples of `side`."""

    batch_groups = 1
    """How many it is given at once: what it says of a picture depends on others of its batch (`types.Critic.both`)."""

    def __init__(self, side: int, shape: ImageShape) -> None:
        super().__init__()
        self.side = side
        layers: list[nn.Module] = []
        for inputs in (2 * shape[0] * side**2, UNITS):
            layers += [nn.Linear(inputs, UNITS), nn.LeakyReLU(SLOPE, inplace=True)]
        self.read = nn.Sequential(*layers)

    def initialise(self) -> None:
        """Weights that keep a signal's size through LeakyReLU (He et al. 2015, section 2.2), biases 0."""
        for layer in self.read.children():
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight, SLOPE)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        said: Tensor = self.read(STATISTICS_SCALE * thumbnail_statistics(x, self.side, self.batch_groups))
        return said


def thumbnail_statistics(x: Tensor, side: int, groups: int = 1) -> Tensor:
    """Means of side x side areas of x [B, C, H, W], and their spread within a group: [B, 2 * side * side * C]."""
    B, C, H, W = x.shape
    areas = x.permute(0, 2, 3, 1).reshape(B, side, H // side, side, W // side, C)
    means = areas.mean((2, 4)).flatten(1)
    together = gcd(GROUP, B // groups)
    grouped = means.view(groups, together, -1, means.shape[1])
    spread = (grouped.var(1, correction=0) + 1e-8).sqrt().repeat(1, together, 1)
    return torch.cat([means, spread.flatten(0, 1)], 1)
