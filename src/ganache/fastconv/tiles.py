"""Pictures cut into tiles for a convolution, and what is made of the tiles put together again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

Sides = tuple[int, int]
Area = tuple[slice, slice]


@dataclass(frozen=True)
class Tiles:
    """How pictures are cut. A tile sees places of every `stride`-th row and column, once for each of the stride *
    stride ways to begin. `cut` is linear, and `pasted` its adjoint."""

    sides: Sides
    """Of the pictures, H and W."""
    counts: Sides
    """Tiles down and across."""
    seen: Sides
    """Places that a tile sees down and across, n and m."""
    step: Sides
    """Places from a tile to the next."""
    stride: int = 1
    padding: Sides = (0, 0)
    """Rows above the picture and columns left of it that the first tiles see: zeros, as is all beyond the picture."""

    def cut(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> what the tiles see of it [n, m, B * tiles, stride * stride * C]."""
        B, C = x.shape[:2]
        shape = (*self.seen, B, *self.counts, self.stride, self.stride, C)
        parts, places = (x.new_zeros if self.see_beyond else x.new_empty)(shape), x.permute(2, 3, 0, 1)
        for (u, v), (down, across), inside, outside in self.overlaps():
            parts[*inside, :, u, v, down, across].copy_(places[outside])
        return parts.flatten(5).flatten(2, 4)

    def pasted(self, parts: Tensor) -> Tensor:
        """The adjoint of `cut`: where tiles overlap, the sum."""
        tiles, many = self.counts[0] * self.counts[1], self.stride**2
        shape = (parts.shape[2] // tiles, parts.shape[3] // many, *self.sides)
        # A tensor of its own and no view, as activations write into it, with its channels last in memory.
        x = torch.empty(shape, dtype=parts.dtype, device=parts.device, memory_format=torch.channels_last)
        places, overlap = x.permute(2, 3, 0, 1), self.seen > self.step
        if overlap or not self.see_all:
            x.zero_()
        parts = parts.view(*self.seen, shape[0], *self.counts, self.stride, self.stride, shape[1])
        for (u, v), (down, across), inside, outside in self.overlaps():
            part = parts[*inside, :, u, v, down, across]
            places[outside].add_(part) if overlap else places[outside].copy_(part)
        return x

    @property
    def ends(self) -> Sides:
        """Where the last tiles end on the picture."""
        rows, columns = (
            self.stride * (step * (count - 1) + seen) - padding
            for step, count, seen, padding in zip(self.step, self.counts, self.seen, self.padding, strict=True)
        )
        return rows, columns

    @property
    def see_beyond(self) -> bool:
        return any(self.padding) or any(end > side for end, side in zip(self.ends, self.sides, strict=True))

    @property
    def see_all(self) -> bool:
        return all(end >= side for end, side in zip(self.ends, self.sides, strict=True))

    def overlaps(self) -> Iterator[tuple[Sides, Sides, Area, Area]]:
        """Of each tile and way to begin: its row and column, the rows and columns before it begins, and where it lies
        on the picture, counted in its places and in the picture's."""
        rows, columns = (
            [
                (tile, way, *on_side(stride * step * tile + way - padding, seen, side, stride))
                for tile in range(count)
                for way in range(stride)
            ]
            for count, step, seen, padding, side, stride in zip(
                self.counts, self.step, self.seen, self.padding, self.sides, [self.stride] * 2, strict=True
            )
        )
        for (u, down, i, rows_of), (v, across, j, columns_of) in product(rows, columns):
            yield (u, v), (down, across), (i, j), (rows_of, columns_of)


def on_side(begin: int, n: int, side: int, stride: int) -> tuple[slice, slice]:
    """Of n places that begin there, those on a side: counted among themselves, and on the side."""
    first = max(0, -(begin // stride))
    last = max(first, min(n, -((begin - side) // stride)))
    return slice(first, last), slice(begin + stride * first, begin + stride * last, stride)
