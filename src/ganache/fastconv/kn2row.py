"""Convolutions that make few channels of many: channels are mixed for each tap of the kernel, where they are, and what
each tap makes of all places is moved and summed, in float32 as there are many."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ganache.fastconv import kernels
from ganache.fastconv.linear_function import linear, products
from ganache.fastconv.tiles import Sides


def conv2d(x: Tensor, weight: Tensor) -> Tensor:
    """F.conv2d(x [B, C, H, W], weight [O, C, h, w], padding="same"), of odd kernels."""
    h, w = weight.shape[2:]
    taps = weight.to(x.dtype).flip(2, 3).permute(0, 2, 3, 1)  # they are moved towards the later places
    return _summed(x, taps, (x.shape[2], x.shape[3]), 1, (h // 2, w // 2))


def conv_transpose2d(x: Tensor, weight: Tensor, stride: int, padding: Sides) -> Tensor:
    """F.conv_transpose2d(x [B, C, H, W], weight [C, O, h, w], stride=stride, padding=padding)."""
    sides = (
        stride * (side - 1) + k - 2 * pad for side, k, pad in zip(x.shape[2:], weight.shape[2:], padding, strict=True)
    )
    return _summed(x, weight.permute(1, 2, 3, 0), (next(sides), next(sides)), stride, padding)


def _summed(x: Tensor, taps: Tensor, sides: Sides, stride: int, padding: Sides) -> Tensor:
    """x [B, C, H, W] and taps [O, h, w, C] -> [B, O, *sides]."""
    (B, C, H, W), (O, h, w, _) = x.shape, taps.shape
    places = x.permute(0, 2, 3, 1).reshape(B, -1, C)
    parts = products(taps.reshape(-1, C).expand(B, -1, -1), places.mT).view(B, O, h, w, H, W)
    return linear(
        parts,
        lambda parts: folded(parts, sides, stride, padding),
        lambda y: unfolded(y, (h, w), (H, W), stride, padding),
    )


def folded(parts: Tensor, sides: Sides, stride: int, padding: Sides) -> Tensor:
    """What taps make of all places [B, O, h, w, H, W], each moved and all summed: [B, O, *sides]."""
    if kernels.fit(parts, kernels.LANES):
        return kernels.folded(parts, sides, stride, padding)
    (B, O, h, w, H, W), dtype = parts.shape, torch.float32 if parts.dtype is torch.bfloat16 else parts.dtype
    each = parts.reshape(B, O * h * w, H * W).to(dtype)
    return F.fold(each, sides, (h, w), padding=padding, stride=stride).to(parts.dtype)


def unfolded(y: Tensor, kernel: Sides, places: Sides, stride: int, padding: Sides) -> Tensor:
    """The adjoint of `folded`."""
    if kernels.fit(y, kernels.LANES):
        return kernels.unfolded(y, kernel, places, stride, padding)
    dtype = torch.float32 if y.dtype is torch.bfloat16 else y.dtype
    parts = F.unfold(y.to(dtype), kernel, padding=padding, stride=stride)
    return parts.view(*y.shape[:2], *kernel, *places).to(y.dtype)
