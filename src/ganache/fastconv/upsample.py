"""A bilinear doubling and the convolution after it, computed as one.

Both are linear, one mixes places and the other channels too, so the channels can be mixed first, where the picture is
small: a quarter of the products. What each kernel weight makes of the small picture is then resized, moved and summed
by a product along the columns and one along the rows. No large picture of many channels is made. With many channels to
mix, a CPU does so by frequencies (`fourier`), of which there are a third as many as weights and places: the doubling
is part of their map.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache.fastconv import fourier
from ganache.fastconv.convolution import FEWEST_PLACES, may_map, products_in
from ganache.fastconv.strided import FEWEST_CHANNELS
from ganache.fastconv.tiles import Tiles


class UpsampleConv2d(nn.Conv2d):
    """conv2d(interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)) with an odd kernel and its "same"
    padding, for x [B, C, *sides]: the same sums in another order."""

    down: Tensor  # [2 h, h * k]
    across: Tensor  # [2 w, w * k]

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int, sides: tuple[int, int]) -> None:
        super().__init__(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
        self.sides = sides
        for name, side in zip(("down", "across"), sides, strict=True):
            self.register_buffer(name, doubling(side, kernel_size).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        many = min(self.in_channels, self.out_channels) >= FEWEST_CHANNELS
        if many and may_map(x) and 4 * x.shape[0] * prod(self.sides) >= FEWEST_PLACES:
            return self.by_frequencies(x.to(products_in(x)))
        return self.by_parts(x)

    def by_frequencies(self, x: Tensor) -> Tensor:
        large = (2 * self.sides[0], 2 * self.sides[1])
        places, results = (Tiles(sides, (1, 1), sides, sides) for sides in (self.sides, large))
        maps = doubled(self.sides, (self.kernel_size[0], self.kernel_size[1]))
        y = fourier.correlated(x, self.weight, maps, places, results)
        assert self.bias is not None
        return y + self.bias.to(y.dtype).view(-1, 1, 1)

    def by_parts(self, x: Tensor) -> Tensor:
        B, C, h, w = x.shape
        k, outputs = self.kernel_size[0], self.out_channels
        each = self.weight.permute(1, 3, 2, 0).reshape(C, -1)  # [C, across * down * outputs]
        parts = x.permute(0, 2, 3, 1).reshape(-1, C) @ each  # [B * h * w, across * down * outputs]
        across, down = (shares.to(parts.dtype) for shares in (self.across, self.down))
        wide = torch.bmm(across.expand(B * h, -1, -1), parts.view(B * h, w * k, k * outputs))
        wide = wide.view(B, h, 2 * w, k, outputs).transpose(2, 3).reshape(B, h * k, 2 * w * outputs)
        large = torch.bmm(down.expand(B, -1, -1), wide).view(B, 2 * h, 2 * w, outputs)
        assert self.bias is not None
        return (large + self.bias.to(large.dtype)).permute(0, 3, 1, 2)


@lru_cache(maxsize=64)
def doubled(sides: tuple[int, int], kernel: tuple[int, int]) -> fourier.Maps:
    """The maps of places of the small picture, of taps, and of results in the large one."""
    made = [range(2 * side) for side in sides]
    lengths = (2 * sides[0] + kernel[0] // 2, 2 * sides[1] + kernel[1] // 2)
    of_places, of_taps, of_results = fourier.correlation(lengths, kernel, made, made)
    return of_places.after(*(doubling(side, 1) for side in sides)), of_taps, of_results


def doubling(side: int, kernel: int) -> Tensor:
    """[2 * side, side * kernel], float64: to each place of a doubled row, the share of a place of the row by a kernel
    weight."""
    resized = F.interpolate(
        torch.eye(side, dtype=torch.float64)[None], scale_factor=2, mode="linear", align_corners=True
    )[0]
    seen = F.pad(resized, (kernel // 2, kernel // 2)).unfold(1, kernel, 1)  # [side, 2 * side, kernel]
    return seen.transpose(0, 1).reshape(2 * side, -1)
