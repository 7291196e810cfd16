"""What a critic's head reads besides its features: the picture in little, and how much the little pictures differ.

With batch norm, a critic sees each batch relative to its own mean and spread, so a generator may be too dark, too pale
or too uniform as a whole, and is not told. Both are seen here, past all norms. The spread within a group is that of
Karras et al. 2018, "Progressive growing of GANs", section 3, where it is one number, taken from the features.
"""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor, nn

GROUP = 4
"""Pictures whose spread is taken; so many in the paper. Of a batch that is no multiple, as many as divide both."""
LOUDNESS = 4.0
"""What both are multiplied with, as they are few beside thousands of features (`bench/NOTES.md`)."""


class Overview(nn.Module):
    """x [B, C, H, W] -> [B, 2 * side * side * C], for sides that are multiples of `side`."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        B, C, H, W = x.shape
        areas = x.permute(0, 2, 3, 1).reshape(B, self.side, H // self.side, self.side, W // self.side, C)
        little = areas.mean((2, 4)).flatten(1)
        groups = little.view(gcd(GROUP, B), -1, little.shape[1])
        spread = (groups.var(0, correction=0) + 1e-8).sqrt().repeat(len(groups), 1)
        return LOUDNESS * torch.cat([little, spread], 1)
