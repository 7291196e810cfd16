"""Differentiable augmentation: Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN training".

Functions x [B, C, H, W] -> x that change each image independently at random and are differentiable in x. Applied to
real and fake images alike before the critic sees them, they keep the critic from memorising a small data set. The
generator still learns unaugmented images, because the critic only sees real images augmented too. The ranges are those
of mit-han-lab/data-efficient-gans, DiffAugment_pytorch.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad


def colour(x: Tensor) -> Tensor:
    """Add U[-0.5, 0.5] to the brightness, scale the saturation by U[0, 2] and the contrast by U[0.5, 1.5].

    A fourth channel, transparency, stays as it is.
    """
    if x.shape[1] == 4:
        return torch.cat([colour(x[:, :3]), x[:, 3:]], dim=1)
    x = x + (_uniform(x) - 0.5)
    grey = x.mean(dim=1, keepdim=True)
    x = (x - grey) * (2 * _uniform(x)) + grey
    level = x.mean(dim=(1, 2, 3), keepdim=True)
    return (x - level) * (_uniform(x) + 0.5) + level


def translation(x: Tensor, ratio: float = 0.125) -> Tensor:
    """Shift each image by up to `ratio` of each side; the uncovered area is 0, mid-grey in [-1, 1]."""
    down, across = (_integer(x, round(side * ratio)) for side in x.shape[2:])  # [B, 1], one shift per image
    return (shifted_one_by_one if x.device.type == "cpu" else shifted_at_once)(x, down, across)


def shifted_at_once(x: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Return all images shifted by down and across [B, 1] pixels, in a few operations on the whole batch."""
    rows, columns = (torch.arange(side, device=x.device) for side in x.shape[2:])
    # Positions beyond the border all read the one pixel of padding.
    height, width = x.shape[2:]
    row = (rows - down + 1).clamp(0, height + 1)  # [B, H]
    column = (columns - across + 1).clamp(0, width + 1)  # [B, W]
    sample = torch.arange(len(x), device=x.device)
    padded = pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)
    shifted = padded[sample[:, None, None], row[:, :, None], column[:, None, :]]  # [B, H, W, C]
    return shifted.permute(0, 3, 1, 2)


def shifted_one_by_one(x: Tensor, down: Tensor, across: Tensor) -> Tensor:
    """Return the same image by image, which on a CPU takes a quarter of the time."""
    moved: Tensor = Shift.apply(x, down.flatten().tolist(), across.flatten().tolist())  # type: ignore[no-untyped-call]
    return moved


class Shift(torch.autograd.Function):
    """Each image shifted by its own number of pixels.

    Its gradient is shifted back, which is the same function with the opposite numbers.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, down: list[int], across: list[int]) -> Tensor:
        ctx.down, ctx.across = down, across
        y = torch.zeros_like(x)
        for image, source, *by in zip(y, x, down, across, strict=True):
            (to_rows, rows), (to_columns, columns) = map(overlap, by, source.shape[1:])
            image[:, to_rows, to_columns] = source[:, rows, columns]
        return y

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[override]
        back: Tensor = Shift.apply(gradient, [-n for n in ctx.down], [-n for n in ctx.across])  # type: ignore[no-untyped-call]
        return back, None, None


def overlap(by: int, side: int) -> tuple[slice, slice]:
    """Return where the pixels of a side that stay inside come to, and where they come from, if shifted by `by`.

    >>> overlap(2, 8), overlap(-1, 8)
    ((slice(2, 8, None), slice(0, 6, None)), (slice(0, 7, None), slice(1, 8, None)))
    """
    by = min(max(by, -side), side)
    return slice(max(0, by), side + min(0, by)), slice(max(0, -by), side + min(0, -by))


def cutout(x: Tensor, ratio: float = 0.5) -> Tensor:
    """Set a box of `ratio` of each side, centred anywhere in the image, to 0."""
    inside = None
    for axis, side in zip((2, 3), x.shape[2:], strict=True):
        centre = torch.randint(0, side + 1, (len(x), 1), device=x.device)
        near = (torch.arange(side, device=x.device) - centre).abs() * 2 < side * ratio  # [B, side]
        near = near[:, None, :, None] if axis == 2 else near[:, None, None, :]
        inside = near if inside is None else inside & near
    return x.masked_fill(inside, 0.0) if inside is not None else x


AUGMENTATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "colour": colour,
    "translation": translation,
    "cutout": cutout,
}


def _uniform(x: Tensor) -> Tensor:
    """Return one sample of U[0, 1] per image, [B, 1, 1, 1]."""
    return torch.rand(len(x), 1, 1, 1, device=x.device, dtype=x.dtype)


def _integer(x: Tensor, most: int) -> Tensor:
    """Return one random integer in [-most, most] per image, [B, 1]."""
    return torch.randint(-most, most + 1, (len(x), 1), device=x.device)
