"""Differentiable augmentation of images.

Pure functions x [B, C, H, W] -> x, each sample changed in its own random way, gradients flowing through. Applied alike
to real and fake images before the critic sees them, they keep a small data set from being learnt by heart; the
generator is not asked to make augmented pictures, as the critic never sees any other kind of real ones.

Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN training"; ranges as in
mit-han-lab/data-efficient-gans, DiffAugment_pytorch.py.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad


def colour(x: Tensor) -> Tensor:
    """Brightness by U[-0.5, 0.5], saturation times U[0, 2], contrast times U[0.5, 1.5]."""
    x = x + (_uniform(x) - 0.5)
    grey = x.mean(dim=1, keepdim=True)
    x = (x - grey) * (2 * _uniform(x)) + grey
    level = x.mean(dim=(1, 2, 3), keepdim=True)
    return (x - level) * (_uniform(x) + 0.5) + level


def translation(x: Tensor, ratio: float = 0.125) -> Tensor:
    """Shifted by up to `ratio` of each side, black moving in from outside."""
    rows, columns = (torch.arange(side, device=x.device) for side in x.shape[2:])
    down, across = (_whole(x, round(side * ratio)) for side in x.shape[2:])  # [B, 1], one shift a sample
    # Beyond the border one pixel of padding is read again and again.
    height, width = x.shape[2:]
    row = (rows + down + 1).clamp(0, height + 1)  # [B, H]
    column = (columns + across + 1).clamp(0, width + 1)  # [B, W]
    sample = torch.arange(len(x), device=x.device)
    padded = pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)
    moved = padded[sample[:, None, None], row[:, :, None], column[:, None, :]]  # [B, H, W, C]
    return moved.permute(0, 3, 1, 2)


def cutout(x: Tensor, ratio: float = 0.5) -> Tensor:
    """A box of `ratio` of each side painted black, its centre anywhere."""
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
    """U[0, 1], one a sample: [B, 1, 1, 1]."""
    return torch.rand(len(x), 1, 1, 1, device=x.device, dtype=x.dtype)


def _whole(x: Tensor, most: int) -> Tensor:
    """A whole number from -most to most, one a sample: [B, 1]."""
    return torch.randint(-most, most + 1, (len(x), 1), device=x.device)
