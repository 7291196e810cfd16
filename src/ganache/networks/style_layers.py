"""Layers that both style-based networks are made of: equalised learning rates, and resampling with [1, 3, 3, 1].

The weights of a layer are N(0, 1), and a constant scale follows (equalised learning rate, Karras et al. 2018, section
4.1): after a convolution rather than before it, which is the same and leaves the weights to `fastconv`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache import fastconv

SLOPE = 0.2  # of LeakyReLU
GAIN = math.sqrt(2)
"""The output of each activation is multiplied by this, which preserves the variance (He et al. 2015)."""


class Linear(nn.Linear):
    """A linear layer with equalised learning rate, multiplied by `rate`; [B, F] -> [B, O]."""

    def __init__(self, inputs: int, outputs: int, bias: float = 0.0, rate: float = 1.0) -> None:
        super().__init__(inputs, outputs)
        nn.init.normal_(self.weight, std=1 / rate)
        nn.init.constant_(self.bias, bias / rate)
        self.scale, self.rate = rate / math.sqrt(inputs), rate

    def scaled_weight(self) -> Tensor:
        """Return the weight that the input is multiplied by, [O, F]."""
        return self.weight * self.scale

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.scaled_weight(), self.bias * self.rate)


def upsampled(x: Tensor, weight: Tensor) -> Tensor:
    """Return x [B, C, h, w] with twice the sides, convolved with weight [O, C, 3, 3] and filtered by [1, 3, 3, 1].

    The filter is a box, which the kernel takes up, and `blur`. The border is computed around the image, then cut off.
    """
    wide = fastconv.conv_transpose4x4(F.pad(x, (1, 1, 1, 1)), doubled(weight).transpose(0, 1), None)
    return blur(wide)[..., 2:-2, 2:-2]


def downsampled(x: Tensor, weight: Tensor) -> Tensor:
    """Return x [B, C, h, w] with half the sides: filtered by [1, 3, 3, 1], times 4, and convolved [O, C, 3, 3]."""
    return fastconv.conv4x4(blur(F.pad(x, (2, 2, 2, 2))), doubled(weight), None)[..., 1:-1, 1:-1]


def doubled(weight: Tensor) -> Tensor:
    """Return the 4x4 kernel [O, C, 4, 4] of a 3x3 convolution [O, C, 3, 3] with [1, 1] along each side.

    Beside `blur`, it resamples by the authors' kernel [1, 3, 3, 1], which is [1, 1] * [1, 2, 1].
    """
    wide = F.pad(weight, (0, 1)) + F.pad(weight, (1, 0))
    return F.pad(wide, (0, 0, 0, 1)) + F.pad(wide, (0, 0, 1, 0))


def blur(x: Tensor) -> Tensor:
    """Blur x [B, C, H, W] by [1, 2, 1] / 4 along each side; the image is zero outside."""
    blurred: Tensor = Blur.apply(x)  # type: ignore[no-untyped-call]
    return blurred


class Blur(torch.autograd.Function):
    """`blur`, whose matrix is symmetric, so that it is its own derivative.

    PyTorch's second derivative of a depthwise convolution loops over channels.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        line = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
        kernel = line.outer(line).expand(x.shape[1], 1, 3, 3)
        return F.conv2d(x, kernel, padding=1, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return blur(gradients[0])
