"""Bilinear doubling as a matrix."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def doubling(side: int, kernel: int) -> Tensor:
    """Return the matrix of doubling a row of `side` pixels and then sliding a kernel over it, "same" padded.

    [2 * side, side * kernel], float64, on the CPU: the share of input pixel and kernel tap in each output pixel. The
    doubling is bilinear with align_corners=True.
    """
    doubled = F.interpolate(
        torch.eye(side, dtype=torch.float64, device="cpu")[None], scale_factor=2, mode="linear", align_corners=True
    )[0]
    windows = F.pad(doubled, (kernel // 2, kernel // 2)).unfold(1, kernel, 1)  # [side, 2 * side, kernel]
    return windows.transpose(0, 1).reshape(2 * side, -1)
