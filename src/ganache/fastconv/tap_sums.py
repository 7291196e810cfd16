"""Convolutions as one matrix product per pixel and a sum over the kernel's taps, which are moved to their place.

For each tap (i, j) of the kernel the channels are mixed where they are. The results, one image per tap, are then moved
by the tap's offset and summed in float32. With few output channels the images per tap are small. The transposed
convolution is the natural case (`fold`, or col2im); a convolution is one with a mirrored kernel. Vasudevan et al. 2017,
"Parallel multi channel convolution using general matrix multiplication", call it kn2row.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ganache.fastconv import kernels
from ganache.fastconv.linear_function import apply_linear, batched_matmul
from ganache.fastconv.tiles import Sides


def conv2d(x: Tensor, weight: Tensor) -> Tensor:
    """Return conv2d(x [B, C, H, W], weight [O, C, kh, kw], padding="same"), for odd kernels."""
    kh, kw = weight.shape[2:]
    taps = weight.to(x.dtype).flip(2, 3).permute(0, 2, 3, 1)  # mirrored: a tap's image moves against its offset
    return _sum_of_taps(x, taps, (x.shape[2], x.shape[3]), 1, (kh // 2, kw // 2))


def conv_transpose2d(x: Tensor, weight: Tensor, stride: int, padding: Sides) -> Tensor:
    """Return conv_transpose2d(x [B, C, H, W], weight [C, O, kh, kw], stride=stride, padding=padding)."""
    sides = (
        stride * (side - 1) + k - 2 * pad for side, k, pad in zip(x.shape[2:], weight.shape[2:], padding, strict=True)
    )
    return _sum_of_taps(x, weight.permute(1, 2, 3, 0), (next(sides), next(sides)), stride, padding)


def _sum_of_taps(x: Tensor, taps: Tensor, sides: Sides, stride: int, padding: Sides) -> Tensor:
    """x [B, C, H, W] and taps [O, kh, kw, C] -> [B, O, *sides]."""
    (B, C, H, W), (O, kh, kw, _) = x.shape, taps.shape
    pixels = x.permute(0, 2, 3, 1).reshape(B, -1, C)
    images = batched_matmul(taps.reshape(-1, C).expand(B, -1, -1), pixels.mT).view(B, O, kh, kw, H, W)
    return apply_linear(
        images,
        lambda images: fold(images, sides, stride, padding),
        lambda y: unfold(y, (kh, kw), (H, W), stride, padding),
    )


def fold(images: Tensor, sides: Sides, stride: int, padding: Sides) -> Tensor:
    """Sum the images of all taps, each moved to its place: [B, O, kh, kw, H, W] -> [B, O, *sides]."""
    if kernels.supports(images, kernels.VECTOR):
        return kernels.fold(images, sides, stride, padding)
    (B, O, kh, kw, H, W), dtype = images.shape, torch.float32 if images.dtype is torch.bfloat16 else images.dtype
    columns = images.reshape(B, O * kh * kw, H * W).to(dtype)
    return F.fold(columns, sides, (kh, kw), padding=padding, stride=stride).to(images.dtype)


def unfold(y: Tensor, kernel: Sides, sides: Sides, stride: int, padding: Sides) -> Tensor:
    """The adjoint of `fold`: [B, O, H', W'] -> [B, O, *kernel, *sides]."""
    if kernels.supports(y, kernels.VECTOR):
        return kernels.unfold(y, kernel, sides, stride, padding)
    dtype = torch.float32 if y.dtype is torch.bfloat16 else y.dtype
    columns = F.unfold(y.to(dtype), kernel, padding=padding, stride=stride)
    return columns.view(*y.shape[:2], *kernel, *sides).to(y.dtype)
