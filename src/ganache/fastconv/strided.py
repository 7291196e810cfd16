"""Strided convolutions on a CPU, and their transposes, by forms that are faster than oneDNN's own, where fewer products
(`winograd`) do not pay.

In bfloat16 weight gradients of layers with many channels become matrix products: oneDNN's own reach half of what its
products do, worst where channels are many and pixels few. What makes a picture of few channels, a transposed
convolution or a convolution's gradient by its input, goes by taps (`taps`), or becomes a convolution to four times the
channels whose numbers are shuffled into place. `bench/NOTES.md` has what each wins. Second derivatives work: everything
here is made of operations that PyTorch or we derive.

A weight's shape is always [channels of the small side, channels of the large side, kh, kw].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_input, conv2d_weight

from ganache.fastconv import kernels, kn2row

MOST_PATCHES = 2**23
"""Numbers that the matrix of patches may have: beyond it, copying costs what the product saves (`bench/NOTES.md`)."""
FEWEST_CHANNELS = 16

Ints = tuple[int, ...]


# ---- which form pays -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Strided:
    """A layer's shapes, by which its fastest form is chosen."""

    weight: Ints
    large: Sequence[int]
    """The sides of the pictures at its large side."""
    small: Sequence[int]
    stride: Ints
    padding: Ints

    @property
    def of_pairs(self) -> bool:
        """Whether it is a convolution of 2x2 kernels over pairs of pixels."""
        return (*self.weight[2:], *self.stride) == (4, 4, 2, 2) and self.padding[0] == self.padding[1]

    @property
    def shuffles(self) -> bool:
        """Whether pictures of the large side are made of four times the channels."""
        return doubles(self.large, self.weight, self.stride, self.padding)

    def has_few(self, dtype: torch.dtype) -> bool:
        """Whether it has kernels of its own (`few`)."""
        return self.shuffles and kernels.have_few(self.weight[1], self.weight[0], self.small[1], dtype)

    def by_product(self, batch: int) -> bool:
        """Whether a weight's gradient pays as a product, and `columns` stays small enough."""
        many = min(self.stride) > 1 and min(self.weight[:2]) >= FEWEST_CHANNELS
        return many and batch * prod(self.weight[1:]) * prod(self.small) <= MOST_PATCHES


def halves(weight: Ints, stride: Ints, padding: Ints) -> bool:
    """Whether it is a layer of 4x4 kernels that halves even sides, or doubles them."""
    return (*weight[2:], *stride, *padding) == (4, 4, 2, 2, 1, 1)


def doubles(large: Sequence[int], weight: Ints, stride: Ints, padding: Ints) -> bool:
    """Whether a layer doubles or halves sides by 4x4 kernels, with few channels at the large side of these sides."""
    few = 4 * weight[1] <= FEWEST_CHANNELS <= weight[0]
    return few and not any(side % 2 for side in large) and halves(weight, stride, padding)


# ---- few channels, and products ------------------------------------------------------------------------------------


def doubled(small: Tensor, weight: Tensor) -> Tensor:
    """conv_transpose2d(small, weight [C of small, C of large, 4, 4], stride=2, padding=1), by taps, or where these have
    no kernels, or matrix units take the products, as a 3x3 convolution.

    Of each two by two pixels each is a 3x3 convolution of the small picture, with the kernel's every second row and
    column; so they are four times the channels, shuffled into place.
    """
    if kernels.fit(small, kernels.LANES) and not (small.dtype is torch.bfloat16 and kernels.cpu_has("amx_bf16")):
        return kn2row.conv_transpose2d(small, weight, 2, (1, 1))
    each = F.pad(weight, (1, 1, 1, 1)).reshape(*weight.shape[:2], 3, 2, 3, 2)  # [c, C, 3, down, 3, across]
    each = each.flip(2, 4).permute(1, 3, 5, 0, 2, 4).flatten(0, 2)  # [C * 4, c, 3, 3]
    return F.pixel_shuffle(F.conv2d(small, each.contiguous(memory_format=torch.channels_last), padding=1), 2)


def columns(x: Tensor, kernel: Ints, stride: Ints, padding: Ints) -> Tensor:
    """x [B, C, H, W] -> the patch under the kernel at each place, [B * places, kh * kw * C]."""
    padded = F.pad(x, (padding[1], padding[1], padding[0], padding[0])).permute(0, 2, 3, 1)
    places = padded.unfold(1, kernel[0], stride[0]).unfold(2, kernel[1], stride[1])  # [B, h, w, C, kh, kw]
    return places.permute(0, 1, 2, 4, 5, 3).reshape(-1, kernel[0] * kernel[1] * x.shape[1])


def weight_gradient(small: Tensor, large: Tensor, weight: Tensor, stride: Ints, padding: Ints) -> Tensor:
    """Of sum(small * conv2d(large, weight)) by the weight, whichever way is faster."""
    if doubles(large.shape[2:], weight.shape, stride, padding):
        gradient: Tensor = conv2d_weight(large, weight.shape, small, stride, padding)  # type: ignore[no-untyped-call]
        return gradient
    return product(small, large, tuple(weight.shape[2:]), stride, padding)


def product(small: Tensor, large: Tensor, kernel: Ints, stride: Ints, padding: Ints) -> Tensor:
    """The same as one matrix product: [C of small, C of large, kh, kw]."""
    rows = small.permute(0, 2, 3, 1).reshape(-1, small.shape[1])
    sums = rows.t() @ columns(large, kernel, stride, padding)
    return sums.view(small.shape[1], *kernel, large.shape[1]).permute(0, 3, 1, 2)


class Convolution(torch.autograd.Function):
    """F.conv2d(x, weight, None, stride, padding) with the faster gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: Ints, padding: Ints) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (x, weight), (g,) = ctx.saved_tensors, gradients
        by_x = by_weight = None
        if ctx.needs_input_grad[0] and doubles(x.shape[2:], weight.shape, ctx.stride, ctx.padding):
            by_x = doubled(g, weight)
        elif ctx.needs_input_grad[0]:
            by_x = conv2d_input(x.shape, weight, g, ctx.stride, ctx.padding)  # type: ignore[no-untyped-call]
        if ctx.needs_input_grad[1]:
            by_weight = weight_gradient(g, x, weight, ctx.stride, ctx.padding)
        return by_x, by_weight, None, None


class Transposed(torch.autograd.Function):
    """F.conv_transpose2d(x, weight, None, stride, padding), or its faster form, with the faster gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: Ints, padding: Ints) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        few = doubles((), weight.shape, stride, padding)
        return doubled(x, weight) if few else F.conv_transpose2d(x, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (x, weight), (g,) = ctx.saved_tensors, gradients
        by_x = F.conv2d(g, weight, None, ctx.stride, ctx.padding) if ctx.needs_input_grad[0] else None
        by_weight = weight_gradient(x, g, weight, ctx.stride, ctx.padding) if ctx.needs_input_grad[1] else None
        return by_x, by_weight, None, None
