"""Pictures cut into overlapping tiles for a convolution, and what is made of the tiles put together again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import ceil, prod

import torch
from torch import Tensor

Sides = tuple[int, int]
Area = tuple[slice, slice]


@dataclass(frozen=True)
class Tiles:
    """How pictures are cut, for a convolution that leaves them as large as they are. A map and its adjoint each:
    `cut` and `pasted`, `joined` and `parted`."""

    sides: Sides
    """Of the pictures, H and W."""
    kernel: Sides
    """Of the convolution, odd."""
    largest: int
    """Results along a side of a tile, at most."""

    @property
    def counts(self) -> Sides:
        """Tiles down and across."""
        return ceil(self.sides[0] / self.largest), ceil(self.sides[1] / self.largest)

    @property
    def results(self) -> Sides:
        """The sides of what a tile makes; those of the last may reach beyond the picture."""
        return ceil(self.sides[0] / self.counts[0]), ceil(self.sides[1] / self.counts[1])

    @property
    def margins(self) -> Sides:
        """What a tile sees on each side of its results."""
        return self.kernel[0] // 2, self.kernel[1] // 2

    def cut(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> what the tiles see of it [n, m, tiles * B, C], zeros beyond the picture."""
        return self._cut(x, self.margins)

    def pasted(self, parts: Tensor) -> Tensor:
        """The adjoint of `cut`: where tiles overlap, the sum."""
        return self._pasted(parts, self.margins)

    def joined(self, y: Tensor) -> Tensor:
        """The tiles' results y [h, w, tiles * B, C] -> [B, C, H, W], without those beyond it."""
        return self._pasted(y, (0, 0))

    def parted(self, x: Tensor) -> Tensor:
        """The adjoint of `joined`."""
        return self._cut(x, (0, 0))

    def _cut(self, x: Tensor, margins: Sides) -> Tensor:
        B, C = x.shape[:2]
        n, m = (result + 2 * margin for result, margin in zip(self.results, margins, strict=True))
        full = (n * self.counts[0], m * self.counts[1]) == self.sides
        parts = (x.new_empty if full else x.new_zeros)((n, m, *self.counts, B, C))
        places = x.permute(2, 3, 0, 1)
        for tile, inside, outside in self._overlaps(margins):
            parts[*inside, *tile].copy_(places[outside])
        return parts.flatten(2, 4)

    def _pasted(self, parts: Tensor, margins: Sides) -> Tensor:
        n, m, many, C = parts.shape
        shape, overlap = (many // prod(self.counts), C, *self.sides), any(margins)
        # A tensor of its own and no view, as activations write into it, with its channels last in memory.
        x = torch.empty(shape, dtype=parts.dtype, device=parts.device, memory_format=torch.channels_last)
        if overlap:
            x.zero_()
        parts, places = parts.view(n, m, *self.counts, -1, C), x.permute(2, 3, 0, 1)
        for tile, inside, outside in self._overlaps(margins):
            part = parts[*inside, *tile]
            places[outside].add_(part) if overlap else places[outside].copy_(part)
        return x

    def _overlaps(self, margins: Sides) -> Iterator[tuple[Sides, Area, Area]]:
        """Of each tile: its row and column, and where it lies on the picture, counted in the tile and on it."""
        rows, columns = (
            [on_side(tile * n - margin, n + 2 * margin, side) for tile in range(count)]
            for count, n, margin, side in zip(self.counts, self.results, margins, self.sides, strict=True)
        )
        for (i, down), (j, across) in product(enumerate(rows), enumerate(columns)):
            inside, outside = zip(down, across, strict=True)
            yield (i, j), inside, outside


def on_side(begin: int, n: int, side: int) -> tuple[slice, slice]:
    """Of n places that begin there, those on a side: counted among themselves, and on the side."""
    first, last = max(begin, 0), min(begin + n, side)
    return slice(first - begin, last - begin), slice(first, last)
