"""Strided convolutions by forms that are faster than oneDNN's own: in bfloat16 on a CPU.

Weight gradients of layers with many channels become matrix products: oneDNN's own reach half of what its products do,
worst where channels are many and pixels few. What makes a picture of few channels, a transposed convolution or a
convolution's gradient by its input, becomes a convolution to four times the channels whose numbers are shuffled into
place (`bench/NOTES.md` has what both win). All else is PyTorch's own, and all are the same sums in another order.
Second derivatives work: everything here is made of operations that PyTorch derives.

A weight's shape is always [channels of the small side, channels of the large side, kh, kw].
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input, conv2d_weight

MOST_PATCHES = 2**23
"""Numbers that the matrix of patches may have: beyond it, copying costs what the product saves (`bench/NOTES.md`)."""
FEWEST_CHANNELS = 16

Ints = tuple[int, ...]


class Conv2d(nn.Conv2d):
    """PyTorch's convolution; only its gradients may come another way."""

    def forward(self, x: Tensor) -> Tensor:
        shape = (self.out_channels, self.in_channels, *self.kernel_size)
        few = x.requires_grad and doubles(x.shape[2:], shape, self.stride, self.padding)
        dtype = fast_dtype(self, x, few)
        if dtype is None or not (few or by_product(x.shape[0], shape, self._out(x))):
            return super().forward(x)
        y: Tensor = _Convolution.apply(x.to(dtype), self.weight.to(dtype), self.stride, self.padding)  # type: ignore[no-untyped-call]
        return y if self.bias is None else y + self.bias.to(dtype).view(-1, 1, 1)

    def _out(self, x: Tensor) -> Ints:
        assert not isinstance(self.padding, str)  # fast_dtype refuses paddings by name
        sides = zip(x.shape[2:], self.padding, self.kernel_size, self.stride, strict=True)
        return tuple((side + 2 * pad - k) // step + 1 for side, pad, k, step in sides)


class ConvTranspose2d(nn.ConvTranspose2d):
    """PyTorch's transposed convolution; it and its weight's gradient may come another way."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        shape = (self.in_channels, self.out_channels, *self.kernel_size)
        few = doubles((), shape, self.stride, self.padding)
        dtype = fast_dtype(self, x, few)
        plain = dtype is None or output_size is not None or any(self.output_padding)
        if plain or not (few or by_product(x.shape[0], shape, x.shape[2:])):
            return super().forward(x, output_size)
        y: Tensor = _Transposed.apply(x.to(dtype), self.weight.to(dtype), self.stride, self.padding)  # type: ignore[no-untyped-call]
        return y if self.bias is None else y + self.bias.to(dtype).view(-1, 1, 1)


def fast_dtype(layer: nn.Conv2d | nn.ConvTranspose2d, x: Tensor, few: bool) -> torch.dtype | None:
    """bfloat16 where the layer computes in it on a CPU and another form may pay; else None."""
    if x.device.type != "cpu":
        return None  # first, as a GPU waits for the host
    computes = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") is torch.bfloat16
    known = layer.groups == 1 and set(layer.dilation) == {1} and layer.padding_mode == "zeros"
    pays = min(layer.stride) > 1 and min(layer.in_channels, layer.out_channels) >= FEWEST_CHANNELS
    # Not `layer.weight`: a spectral norm takes a step whenever it is asked for.
    learns = torch.is_grad_enabled() and all(each.requires_grad for each in layer.parameters())
    return torch.bfloat16 if computes and known and (few or (pays and learns)) else None


def doubles(large: Ints, shape: Ints, stride: Ints, padding: Ints | str) -> bool:
    """Whether a layer doubles or halves sides by 4x4 kernels, with few channels at the large side of these sides."""
    few = 4 * shape[1] <= FEWEST_CHANNELS <= shape[0]
    even = not any(side % 2 for side in large)
    return few and even and (*shape[2:], *stride, *padding) == (4, 4, 2, 2, 1, 1)


def by_product(batch: int, shape: Ints, places: Ints) -> bool:
    """Whether `columns` stays small enough for the product to pay."""
    return batch * prod(shape[1:]) * prod(places) <= MOST_PATCHES


def doubled(small: Tensor, weight: Tensor) -> Tensor:
    """conv_transpose2d(small, weight [C of small, C of large, 4, 4], stride=2, padding=1) as a 3x3 convolution.

    Of each two by two pixels each is a 3x3 convolution of the small picture, with the kernel's every second row and
    column; so they are four times the channels, shuffled into place.
    """
    kernels = F.pad(weight, (1, 1, 1, 1)).reshape(*weight.shape[:2], 3, 2, 3, 2)  # [c, C, 3, down, 3, across]
    kernels = kernels.flip(2, 4).permute(1, 3, 5, 0, 2, 4).flatten(0, 2)  # [C * 4, c, 3, 3]
    return F.pixel_shuffle(F.conv2d(small, kernels.contiguous(memory_format=torch.channels_last), padding=1), 2)


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


class _Convolution(torch.autograd.Function):
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


class _Transposed(torch.autograd.Function):
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
