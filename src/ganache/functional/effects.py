"""How much two pictures differ, and where: pure functions on x [N, C, H, W] in [-1, 1], pairs in the same places."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

WINDOW, STRIDE = 8, 4
"""Pixels: the windows in which structures are compared, and how far apart they lie."""


def mean_change(a: Tensor, b: Tensor) -> Tensor:
    """[N]: the mean absolute change, as a share of the whole range; of points [N, 2], in their own units."""
    return (b - a).abs().flatten(1).mean(dim=1) / (2 if a.ndim > 2 else 1)


def change_map(a: Tensor, b: Tensor) -> Tensor:
    """[H, W]: the mean absolute change of each pixel, as a share of the whole range."""
    return (b - a).abs().mean(dim=(0, 1)) / 2


def structural_change(a: Tensor, b: Tensor) -> Tensor:
    """[N]: 1 - SSIM of the grey pictures, 0 for equal ones (Wang et al. 2004, equation 13).

    The means and variances are those of evenly weighted windows, 8x8 pixels or the whole side where it is less. An
    even change of brightness counts for little here, and a moved edge for much.
    """
    grey = [(each.mean(dim=1, keepdim=True) + 1) / 2 for each in (a, b)]
    size = [min(WINDOW, side) for side in a.shape[2:]]

    def mean(x: Tensor) -> Tensor:
        return avg_pool2d(x, size, stride=[min(STRIDE, side) for side in size])

    first, second = map(mean, grey)
    variance = sum(mean(x * x) for x in grey) - first * first - second * second  # of the one and of the other
    covariance = mean(grey[0] * grey[1]) - first * second
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * first * second + c1) / (first * first + second * second + c1)
    return 1 - (luminance * (2 * covariance + c2) / (variance + c2)).flatten(1).mean(dim=1)


def heat_colours(values: Tensor) -> Tensor:
    """values [N, H, W], not negative -> colours uint8 [N, H, W, 3]: black for 0, red, yellow, white for the greatest.

    Each map has its own greatest value.
    """
    most = values.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    ramp = 3 * (values / most)[..., None] - torch.arange(3).to(values)  # red fills first, then green, then blue
    return (255 * ramp.clamp(0, 1)).round().to(torch.uint8)
