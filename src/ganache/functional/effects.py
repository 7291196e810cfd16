"""How much two images differ, and where: functions of two batches [N, C, H, W] in [-1, 1], compared index by index."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

WINDOW, STRIDE = 8, 4
"""Side of the windows of `structural_change` and distance between them, in pixels."""


def mean_change(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean absolute change per image [N], as a share of the range; for points [N, 2], in their units."""
    return (b - a).abs().flatten(1).mean(dim=1) / (2 if a.ndim > 2 else 1)


def change_map(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean absolute change per pixel [H, W], over images and channels, as a share of the range."""
    return (b - a).abs().mean(dim=(0, 1)) / 2


def structural_change(a: Tensor, b: Tensor) -> Tensor:
    """Return 1 - SSIM per image [N], on grey values; 0 for equal images (Wang et al. 2004, equation 13).

    Means and variances are taken over uniform windows of 8x8 pixels, or of the whole side if it is shorter. A uniform
    change of brightness has a small effect, a moved edge a large one.
    """
    grey = [(each.mean(dim=1, keepdim=True) + 1) / 2 for each in (a, b)]
    size = [min(WINDOW, side) for side in a.shape[2:]]

    def mean(x: Tensor) -> Tensor:
        return avg_pool2d(x, size, stride=[min(STRIDE, side) for side in size])

    first, second = map(mean, grey)
    variance = sum(mean(x * x) for x in grey) - first * first - second * second  # the sum of both variances
    covariance = mean(grey[0] * grey[1]) - first * second
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * first * second + c1) / (first * first + second * second + c1)
    return 1 - (luminance * (2 * covariance + c2) / (variance + c2)).flatten(1).mean(dim=1)


def heat_colours(values: Tensor) -> Tensor:
    """Return non-negative values [N, H, W] as heat map colours, uint8 [N, H, W, 3].

    The colours run from black at 0 through red and yellow to white at the maximum of each map.
    """
    most = values.amax(dim=(1, 2), keepdim=True).clamp_min(1e-12)
    ramp = 3 * (values / most)[..., None] - torch.arange(3).to(values)  # red fills first, then green, then blue
    return (255 * ramp.clamp(0, 1)).round().to(torch.uint8)
