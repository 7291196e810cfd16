"""The form "subpixel": 4x4 layers between an image of 1 to 4 channels and half as large images of many.

The transposed convolution of a generator's last layer, and the gradient by the image of a critic's first layer, are
computed as a 3x3 convolution to four times the channels, whose numbers are then shuffled into 2x2 pixels (Shi et al.
2016, "Real-time single image and video super-resolution using an efficient sub-pixel convolutional neural network").
Where the compiled kernels sum over taps this is faster still (`tap_sums.py`). The form "narrow", where the processor
supports it, is the fastest for the same layers.

Second derivatives work, as every operation here has a derivative.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.grad import conv2d_weight

from ganache.fastconv import kernels, tap_sums
from ganache.fastconv.explicit_gradients import Convolution
from ganache.fastconv.form import Call, Form


def supports(call: Call) -> bool:
    return call.on_cpu and call.regular and call.operation in ("conv2d", "conv_transpose2d") and call.is_narrow


def pays(call: Call) -> bool:
    """A convolution gains only where its input needs a gradient, as in a generator's step or a gradient penalty."""
    return (call.transposed or call.input_gradient) and (call.autocast or call.has_kernels)


def compute(call: Call, x: Tensor, weight: Tensor) -> Tensor:
    convolution = CONV_TRANSPOSE if call.transposed else CONV
    return convolution(x, weight.to(x.dtype), call.stride, call.padding)


FORM = Form("subpixel", supports, pays, compute, "at most 4 channels on the large side: computed per 2x2 pixels")


def doubled(small: Tensor, weight: Tensor) -> Tensor:
    """Return conv_transpose2d(small, weight [S, L, 4, 4], stride=2, padding=1), by the faster of two ways.

    Each of every 2x2 output pixels is a 3x3 convolution of the small image with every second row and column of the
    kernel. So the output is a convolution to 4 L channels, followed by a pixel shuffle.
    """
    if kernels.supports(small, kernels.VECTOR) and not (small.dtype is torch.bfloat16 and kernels.cpu_has("amx_bf16")):
        return tap_sums.conv_transpose2d(small, weight, 2, (1, 1))
    kernel = F.pad(weight, (1, 1, 1, 1)).reshape(*weight.shape[:2], 3, 2, 3, 2)  # [S, L, 3, down, 3, across]
    kernel = kernel.flip(2, 4).permute(1, 3, 5, 0, 2, 4).flatten(0, 2)  # [L * 4, S, 3, 3]
    return F.pixel_shuffle(F.conv2d(small, kernel.contiguous(memory_format=torch.channels_last), padding=1), 2)


CONV = Convolution(
    output=lambda x, weight, stride, padding: F.conv2d(x, weight, None, stride, padding),
    input_gradient=lambda x, weight, g, stride, padding: doubled(g, weight),
    weight_gradient=lambda x, weight, g, stride, padding: conv2d_weight(x, weight.shape, g, stride, padding),  # type: ignore[no-untyped-call]
)
CONV_TRANSPOSE = Convolution(
    output=lambda x, weight, stride, padding: doubled(x, weight),
    input_gradient=lambda x, weight, g, stride, padding: F.conv2d(g, weight, None, stride, padding),
    weight_gradient=lambda x, weight, g, stride, padding: conv2d_weight(g, weight.shape, x, stride, padding),  # type: ignore[no-untyped-call]
)
