"""Batch norm and the activation after it (`batch_norm.h`)."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganache.fastconv.kernels.loading import at, is_half, loaded


@dataclass(frozen=True)
class Norm:
    """Of batch norm and the activation after it, which multiplies with `slope` below 0."""

    groups: int
    """How many lie in what is given, each with its own mean and spread."""
    epsilon: float
    slope: float
    share: float
    """A batch's of the means and variances that are kept."""

    def of(self, x: Tensor) -> Any:
        B, C, H, W = x.shape
        return ctypes.byref(_Norm(self.groups, B // self.groups * H * W, C, self.epsilon, self.slope, self.share))


def normed(
    x: Tensor, weight: Tensor, bias: Tensor, kept: tuple[Tensor, Tensor], norm: Norm
) -> tuple[Tensor, Tensor, Tensor]:
    """x [B, C, H, W], all else float32 -> like x, and the means and variances [groups, C]. Those that are kept [C]
    change."""
    x = x.contiguous(memory_format=torch.channels_last)
    y, means = torch.empty_like(x), torch.empty(norm.groups, x.shape[1])
    variances = torch.empty_like(means)
    loaded().norm(norm.of(x), is_half(x), *map(at, (x, weight, bias, y, means, variances, *kept)))
    return y, means, variances


def normed_back(
    x: Tensor, weight: Tensor, bias: Tensor, means: Tensor, variances: Tensor, by_y: Tensor, norm: Norm
) -> tuple[Tensor, Tensor, Tensor]:
    """The derivatives by x, weight and bias."""
    x, by_y = (each.contiguous(memory_format=torch.channels_last) for each in (x, by_y))
    by_x, by_weight, by_bias = torch.empty_like(x), torch.zeros_like(means[0]), torch.zeros_like(means[0])
    given = x, weight, bias, means, variances, by_y
    loaded().norm_back(norm.of(x), is_half(x), *map(at, (*given, by_x, by_weight, by_bias)))
    return by_x, by_weight, by_bias


class _Norm(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("groups", "rows", "C")),
        *((name, ctypes.c_float) for name in ("epsilon", "slope", "share")),
    )
