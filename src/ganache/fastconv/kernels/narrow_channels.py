"""Layers of at most four channels on one side, in bfloat16 (`narrow_channels.h`), with the leaky ReLU after them.

L are the channels of the large image and S those of the small one. The slope 1 stands for no activation.
"""

from __future__ import annotations

import ctypes
from typing import Any

import torch
from torch import Tensor

from ganache.fastconv.kernels.loading import VECTOR, has_fast_products, loaded_library, pointer, supports_channels


def supports_narrow(L: int, S: int, width: int, dtype: torch.dtype) -> bool:
    """Return whether there are kernels for 4x4 layers of stride 2 with a small image of this width."""
    vectors = dtype is torch.bfloat16 and supports_channels(S, dtype) and width % VECTOR == 0
    return vectors and 4 * L <= VECTOR and has_fast_products(dtype)


def narrow_conv2d(large: Tensor, weight: Tensor, slope: float = 1.0) -> Tensor:
    """Return leaky_relu(conv2d(large, weight, stride=2, padding=1), slope).

    large [B, L, 2 h, 2 w], weight [S, L, 4, 4] -> [B, S, h, w].
    """
    (B, L, H, W), S = large.shape, len(weight)
    small = torch.empty(B, S, H // 2, W // 2, dtype=large.dtype, memory_format=torch.channels_last)
    tensors = large.contiguous(), weight.contiguous()
    loaded_library().narrow_conv2d(_struct(L, small, slope), *map(pointer, tensors), pointer(small))
    return small


def narrow_conv_transpose2d(
    small: Tensor, weight: Tensor, activated: Tensor | None = None, slope: float = 1.0
) -> Tensor:
    """Return conv_transpose2d(small, weight, stride=2, padding=1).

    small [B, S, h, w], weight [S, L, 4, 4] -> [B, L, 2 h, 2 w]. If `activated`, the output of a leaky ReLU, is given,
    `small` is a gradient by that output.
    """
    (B, _, h, w), L = small.shape, weight.shape[1]
    large = small.new_empty(B, L, 2 * h, 2 * w)
    tensors = _channels_last(small), _channels_last(activated), weight.contiguous()
    loaded_library().narrow_conv_transpose2d(_struct(L, small, slope), *map(pointer, tensors), pointer(large))
    return large


def narrow_weight_gradient(small: Tensor, large: Tensor, activated: Tensor | None = None, slope: float = 1.0) -> Tensor:
    """Return the gradient of sum(small * conv2d(large, weight, stride=2, padding=1)) by the weight [S, L, 4, 4].

    It is float32. If `activated`, the output of a leaky ReLU, is given, `small` is a gradient by that output.
    """
    L, S = large.shape[1], small.shape[1]
    weight = torch.zeros(L * 16, S)
    tensors = _channels_last(small), _channels_last(activated), large.contiguous()
    loaded_library().narrow_weight_gradient(_struct(L, small, slope), *map(pointer, tensors), pointer(weight))
    return weight.t().reshape(S, L, 4, 4)


def _channels_last(x: Tensor | None) -> Tensor | None:
    return None if x is None else x.contiguous(memory_format=torch.channels_last)


class _NarrowLayer(ctypes.Structure):
    _fields_ = (*((name, ctypes.c_int) for name in ("B", "L", "S", "h", "w")), ("slope", ctypes.c_float))


def _struct(L: int, small: Tensor, slope: float) -> Any:
    B, *sides = small.shape
    return ctypes.byref(_NarrowLayer(B, L, *sides, slope))
