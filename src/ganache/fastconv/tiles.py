"""Images cut into tiles for a convolution, and tiles pasted into an image again."""

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
    """How images are cut.

    With stride s, a tile covers every s-th row and column, once for each of the s * s phases (offsets) in which that
    can begin. Each phase becomes a group of channels. `cut` is linear, and `paste` is its adjoint.
    """

    sides: Sides
    """Height H and width W of the images."""
    counts: Sides
    """Number of tiles down and across."""
    size: Sides
    """Pixels of a tile down and across, n and m."""
    step: Sides
    """Pixels from one tile to the next, counted per phase."""
    stride: int = 1
    padding: Sides = (0, 0)
    """Rows above the image and columns left of it that the first tiles cover. All outside the image is zero."""

    def cut(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> the pixels of the tiles, [n, m, B * tiles, phases * C]."""
        B, C = x.shape[:2]
        shape = (*self.size, B, *self.counts, self.stride, self.stride, C)
        parts = (x.new_zeros if self.reach_outside else x.new_empty)(shape)
        pixels = x.permute(2, 3, 0, 1)
        for (u, v), (down, across), inside, area in self.overlaps():
            parts[*inside, :, u, v, down, across].copy_(pixels[area])
        return parts.flatten(5).flatten(2, 4)

    def paste(self, parts: Tensor) -> Tensor:
        """The adjoint of `cut`: where tiles overlap, their sum."""
        tiles, phases = self.counts[0] * self.counts[1], self.stride**2
        shape = (parts.shape[2] // tiles, parts.shape[3] // phases, *self.sides)
        # Not a view, because activations write into it in place; channels last in memory.
        x = torch.empty(shape, dtype=parts.dtype, device=parts.device, memory_format=torch.channels_last)
        pixels, overlap = x.permute(2, 3, 0, 1), self.size > self.step
        if overlap or not self.cover_image:
            x.zero_()
        parts = parts.view(*self.size, shape[0], *self.counts, self.stride, self.stride, shape[1])
        for (u, v), (down, across), inside, area in self.overlaps():
            part = parts[*inside, :, u, v, down, across]
            pixels[area].add_(part) if overlap else pixels[area].copy_(part)
        return x

    @property
    def ends(self) -> Sides:
        """Row and column of the image at which the last tiles end."""
        rows, columns = (
            self.stride * (step * (count - 1) + size) - padding
            for step, count, size, padding in zip(self.step, self.counts, self.size, self.padding, strict=True)
        )
        return rows, columns

    @property
    def reach_outside(self) -> bool:
        """Whether a tile covers pixels outside the image."""
        return any(self.padding) or any(end > side for end, side in zip(self.ends, self.sides, strict=True))

    @property
    def cover_image(self) -> bool:
        """Whether every pixel of the image lies in a tile."""
        return all(end >= side for end, side in zip(self.ends, self.sides, strict=True))

    def overlaps(self) -> Iterator[tuple[Sides, Sides, Area, Area]]:
        """For each tile and phase: the tile's row and column, the phase, and the area in which the tile lies on the
        image, in the tile's pixels and in the image's."""
        rows, columns = (
            [
                (tile, phase, *clip(stride * step * tile + phase - padding, size, side, stride))
                for tile in range(count)
                for phase in range(stride)
            ]
            for count, step, size, padding, side, stride in zip(
                self.counts, self.step, self.size, self.padding, self.sides, [self.stride] * 2, strict=True
            )
        )
        for (u, down, i, image_rows), (v, across, j, image_columns) in product(rows, columns):
            yield (u, v), (down, across), (i, j), (image_rows, image_columns)


def clip(begin: int, n: int, side: int, stride: int) -> tuple[slice, slice]:
    """Return which of n pixels from `begin` on, `stride` apart, lie on a side: as indices of them, and on the side."""
    first = max(0, -(begin // stride))
    last = max(first, min(n, -((begin - side) // stride)))
    return slice(first, last), slice(begin + stride * first, begin + stride * last, stride)
