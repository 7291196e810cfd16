"""Batch norm and the leaky ReLU after it (`batch_norm.h`)."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganache.fastconv.kernels.loading import is_bfloat16, loaded_library, pointer


@dataclass(frozen=True)
class BatchNorm:
    """The settings of batch norm and of the leaky ReLU after it."""

    groups: int
    """How many batches of equal size the input consists of; each has its own mean and variance."""
    epsilon: float
    slope: float
    """Slope of the leaky ReLU below zero; 1 stands for no activation."""
    momentum: float
    """Weight of a batch's mean and variance in the running ones."""

    def struct(self, x: Tensor) -> Any:
        B, C, H, W = x.shape
        return ctypes.byref(
            _BatchNorm(self.groups, B // self.groups * H * W, C, self.epsilon, self.slope, self.momentum)
        )


def batch_norm(
    x: Tensor, weight: Tensor, bias: Tensor, running: tuple[Tensor, Tensor], norm: BatchNorm
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the output, and the means and variances [groups, C] of the batches; update the running ones [C] in place.

    x [B, C, H, W] is float32 or bfloat16; all else is float32.
    """
    x = x.contiguous(memory_format=torch.channels_last)
    y, means = torch.empty_like(x), torch.empty(norm.groups, x.shape[1])
    variances = torch.empty_like(means)
    tensors = x, weight, bias, y, means, variances, *running
    loaded_library().batch_norm(norm.struct(x), is_bfloat16(x), *map(pointer, tensors))
    return y, means, variances


def batch_norm_backward(
    x: Tensor, weight: Tensor, bias: Tensor, means: Tensor, variances: Tensor, gradient: Tensor, norm: BatchNorm
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients by x, weight and bias, from the gradient by the output."""
    x, gradient = (each.contiguous(memory_format=torch.channels_last) for each in (x, gradient))
    results = torch.empty_like(x), torch.zeros_like(means[0]), torch.zeros_like(means[0])
    tensors = x, weight, bias, means, variances, gradient, *results
    loaded_library().batch_norm_backward(norm.struct(x), is_bfloat16(x), *map(pointer, tensors))
    return results


class _BatchNorm(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("groups", "rows", "C")),
        *((name, ctypes.c_float) for name in ("epsilon", "slope", "momentum")),
    )
