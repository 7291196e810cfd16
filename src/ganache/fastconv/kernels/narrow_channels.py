"""Layers of few channels (`narrow_channels.h`), and the activation after one, which multiplies with `slope` below 0."""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor

from ganache.fastconv.kernels.loading import LANES, are_for, at, loaded, multiplies


def have_few(few: int, many: int, wide: int, dtype: torch.dtype) -> bool:
    """Whether there are kernels for layers with 4x4 ones and stride 2 of a few channels to many, and so wide there."""
    fit = dtype is torch.bfloat16 and are_for(many, dtype) and wide % LANES == 0
    return fit and 4 * few <= LANES and multiplies(dtype)


def few_small(large: Tensor, weight: Tensor, slope: float = 1.0) -> Tensor:
    """conv2d(large [B, L, 2 h, 2 w], weight [S, L, 4, 4], stride=2, padding=1), activated: [B, S, h, w]."""
    (B, L, H, W), S = large.shape, len(weight)
    small = torch.empty(B, S, H // 2, W // 2, dtype=large.dtype, memory_format=torch.channels_last)
    given = large.contiguous(), weight.contiguous()
    loaded().small_of_few(_few(L, small, slope), *map(at, given), at(small))
    return small


def few_large(small: Tensor, weight: Tensor, made: Tensor | None = None, slope: float = 1.0) -> Tensor:
    """conv_transpose2d(small [B, S, h, w], weight [S, L, 4, 4], stride=2, padding=1): [B, L, 2 h, 2 w]. With what an
    activation `made`, small is a gradient by that."""
    (B, _, h, w), L = small.shape, weight.shape[1]
    large = small.new_empty(B, L, 2 * h, 2 * w)
    given = _small(small), _small(made), weight.contiguous()
    loaded().large_of_few(_few(L, small, slope), *map(at, given), at(large))
    return large


def few_weight(small: Tensor, large: Tensor, made: Tensor | None = None, slope: float = 1.0) -> Tensor:
    """What weight [S, L, 4, 4] sum(small * conv2d(large, weight, stride=2, padding=1)) grows with; float32. With what
    an activation `made`, small is a gradient by that."""
    L, S = large.shape[1], small.shape[1]
    weight = torch.zeros(L * 16, S)
    given = _small(small), _small(made), large.contiguous()
    loaded().weight_of_few(_few(L, small, slope), *map(at, given), at(weight))
    return weight.t().reshape(S, L, 4, 4)


def _small(x: Tensor | None) -> Tensor | None:
    return None if x is None else x.contiguous(memory_format=torch.channels_last)


class _Few(ctypes.Structure):
    _fields_ = (*((name, ctypes.c_int) for name in ("B", "L", "S", "h", "w")), ("slope", ctypes.c_float))


def _few(L: int, small: Tensor, slope: float) -> Any:
    B, *sides = small.shape
    return ctypes.byref(_Few(B, L, *sides, slope))
