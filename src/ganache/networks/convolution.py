"""Strided convolutions whose weight gradients are matrix products, where that is faster: in bfloat16 on a CPU.

oneDNN's own weight gradients of strided convolutions reach half of what its matrix products do, worst where channels
are many and pixels few (`bench/NOTES.md`). Values and all other gradients are PyTorch's own; weight gradients are the
same sums in another order. Second derivatives work: everything here is made of operations that PyTorch derives.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

MOST_PATCHES = 2**23
"""Numbers that the matrix of patches may have: beyond it, copying costs what the product saves (`bench/NOTES.md`)."""
FEWEST_CHANNELS = 16

Ints = tuple[int, ...]


class Conv2d(nn.Conv2d):
    """PyTorch's convolution; only its weight's gradient may come another way."""

    def forward(self, x: Tensor) -> Tensor:
        dtype = fast_dtype(self, x)
        if dtype is None or patches(x.shape[0], x.shape[1], self.kernel_size, self._out(x)) > MOST_PATCHES:
            return super().forward(x)
        y: Tensor = _Convolution.apply(x.to(dtype), self.weight.to(dtype), self.stride, self.padding)  # type: ignore[no-untyped-call]
        return y if self.bias is None else y + self.bias.to(dtype).view(-1, 1, 1)

    def _out(self, x: Tensor) -> Ints:
        assert not isinstance(self.padding, str)  # fast_dtype refuses paddings by name
        sides = zip(x.shape[2:], self.padding, self.kernel_size, self.stride, strict=True)
        return tuple((side + 2 * pad - k) // step + 1 for side, pad, k, step in sides)


class ConvTranspose2d(nn.ConvTranspose2d):
    """PyTorch's transposed convolution; only its weight's gradient may come another way."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        dtype = fast_dtype(self, x)
        plain = dtype is None or output_size is not None or any(self.output_padding)
        if plain or patches(x.shape[0], self.out_channels, self.kernel_size, x.shape[2:]) > MOST_PATCHES:
            return super().forward(x, output_size)
        y: Tensor = _Transposed.apply(x.to(dtype), self.weight.to(dtype), self.stride, self.padding)  # type: ignore[no-untyped-call]
        return y if self.bias is None else y + self.bias.to(dtype).view(-1, 1, 1)


def fast_dtype(layer: nn.Conv2d | nn.ConvTranspose2d, x: Tensor) -> torch.dtype | None:
    """bfloat16 where the layer computes in it on a CPU and its weight wants a gradient; else None."""
    if x.device.type != "cpu":
        return None  # first, as a GPU waits for the host
    computes = torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") is torch.bfloat16
    known = layer.groups == 1 and set(layer.dilation) == {1} and layer.padding_mode == "zeros"
    pays = min(layer.stride) > 1 and min(layer.in_channels, layer.out_channels) >= FEWEST_CHANNELS
    learns = torch.is_grad_enabled() and layer.weight.requires_grad
    return torch.bfloat16 if computes and known and pays and learns else None


def patches(batch: int, channels: int, kernel: Ints, places: Ints) -> int:
    """How many numbers `columns` would hold."""
    return batch * channels * kernel[0] * kernel[1] * places[0] * places[1]


def columns(x: Tensor, kernel: Ints, stride: Ints, padding: Ints) -> Tensor:
    """x [B, C, H, W] -> the patch under the kernel at each place, [B * places, kh * kw * C]."""
    padded = F.pad(x, (padding[1], padding[1], padding[0], padding[0])).permute(0, 2, 3, 1)
    places = padded.unfold(1, kernel[0], stride[0]).unfold(2, kernel[1], stride[1])  # [B, h, w, C, kh, kw]
    return places.permute(0, 1, 2, 4, 5, 3).reshape(-1, kernel[0] * kernel[1] * x.shape[1])


def weight_gradient(small: Tensor, large: Tensor, kernel: Ints, stride: Ints, padding: Ints) -> Tensor:
    """Of sum(small * conv2d(large, weight)) by the weight: [C of small, C of large, kh, kw]."""
    rows = small.permute(0, 2, 3, 1).reshape(-1, small.shape[1])
    product = rows.t() @ columns(large, kernel, stride, padding)
    return product.view(small.shape[1], *kernel, large.shape[1]).permute(0, 3, 1, 2)


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: Ints, padding: Ints) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(x, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        (x, weight), (g,) = ctx.saved_tensors, gradients
        by_x = None
        if ctx.needs_input_grad[0]:
            by_x = conv2d_input(x.shape, weight, g, ctx.stride, ctx.padding)  # type: ignore[no-untyped-call]
        kernel = tuple(weight.shape[2:])
        return by_x, weight_gradient(g, x, kernel, ctx.stride, ctx.padding), None, None


class _Transposed(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: Ints, padding: Ints) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv_transpose2d(x, weight, None, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, None, None]:
        (x, weight), (g,) = ctx.saved_tensors, gradients
        by_x = F.conv2d(g, weight, None, ctx.stride, ctx.padding) if ctx.needs_input_grad[0] else None
        kernel = tuple(weight.shape[2:])
        return by_x, weight_gradient(x, g, kernel, ctx.stride, ctx.padding), None, None
