"""The form "im2col": strided layers of many channels in bfloat16, whose weight gradient is one matrix product.

The output and the gradient by the input are PyTorch's. The weight's gradient is the product of the output's gradient
with the matrix of all patches that the kernel sees (im2col; Chellapilla et al. 2006, "High performance convolutional
neural networks for document processing"). oneDNN's own weight gradient reaches half of the speed of its products in
bfloat16, worst where channels are many and pixels few. In float32 nothing is gained.

Second derivatives work, as every operation here has a derivative.
"""

from __future__ import annotations

from math import prod

import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_input

from ganache.fastconv.explicit_gradients import Convolution
from ganache.fastconv.form import WIDE_CHANNELS, Call, Form, Ints

MOST_PATCH_NUMBERS = 2**23
"""Numbers that the matrix of patches may have. Beyond it, copying costs what the product saves (`bench/NOTES.md`)."""


def supports(call: Call) -> bool:
    return call.on_cpu and call.regular and call.operation in ("conv2d", "conv_transpose2d") and min(call.stride) > 1


def pays(call: Call) -> bool:
    patches = call.input[0] * prod(call.weight[1:]) * prod(call.small_sides)
    many = min(call.weight[:2]) >= WIDE_CHANNELS and patches <= MOST_PATCH_NUMBERS
    return call.autocast and many and call.weight_gradient


def compute(call: Call, x: Tensor, weight: Tensor) -> Tensor:
    convolution = CONV_TRANSPOSE if call.transposed else CONV
    return convolution(x, weight.to(x.dtype), call.stride, call.padding)


FORM = Form("im2col", supports, pays, compute, "many channels, few pixels: the weight gradient as one product")


def patch_product(small: Tensor, large: Tensor, kernel: Ints, stride: Ints, padding: Ints) -> Tensor:
    """Return the gradient of sum(small * conv2d(large, weight)) by the weight [S, L, kh, kw], as one matrix product."""
    rows = small.permute(0, 2, 3, 1).reshape(-1, small.shape[1])
    products = rows.t() @ patches(large, kernel, stride, padding)
    return products.view(small.shape[1], *kernel, large.shape[1]).permute(0, 3, 1, 2)


def patches(x: Tensor, kernel: Ints, stride: Ints, padding: Ints) -> Tensor:
    """x [B, C, H, W] -> the patch under the kernel at each output pixel, [B * pixels, kh * kw * C]."""
    padded = F.pad(x, (padding[1], padding[1], padding[0], padding[0])).permute(0, 2, 3, 1)
    windows = padded.unfold(1, kernel[0], stride[0]).unfold(2, kernel[1], stride[1])  # [B, h, w, C, kh, kw]
    return windows.permute(0, 1, 2, 4, 5, 3).reshape(-1, kernel[0] * kernel[1] * x.shape[1])


CONV = Convolution(
    output=lambda x, weight, stride, padding: F.conv2d(x, weight, None, stride, padding),
    input_gradient=lambda x, weight, g, stride, padding: conv2d_input(x.shape, weight, g, stride, padding),  # type: ignore[no-untyped-call]
    weight_gradient=lambda x, weight, g, stride, padding: patch_product(g, x, weight.shape[2:], stride, padding),
)
CONV_TRANSPOSE = Convolution(
    output=lambda x, weight, stride, padding: F.conv_transpose2d(x, weight, None, stride, padding),
    input_gradient=lambda x, weight, g, stride, padding: F.conv2d(g, weight, None, stride, padding),
    weight_gradient=lambda x, weight, g, stride, padding: patch_product(x, g, weight.shape[2:], stride, padding),
)
