"""The residual block of WGAN-GP, and the convolutions that resize: igul222/improved_wgan_training, `gan_64x64.py`.

The authors upsample and then convolve, or convolve and then take means. Both pairs are linear, so each is done here
as the one convolution that it is: the same numbers, but for the rounding, from 4 / 9 of the multiplications, and
without the large picture in between.
"""

from __future__ import annotations

from math import sqrt

import torch.nn.functional as F
from torch import Tensor, nn

from ganache.fastconv import convolution
from ganache.fastconv.convolution import Conv2d
from ganache.networks.blocks import Norm, normalisation


class UpsampleConv(nn.Conv2d):
    """Nearest upsampling and then a 3x3 convolution, [B, c, h, w] -> [B, c', 2 h, 2 w].

    The transposed convolution of stride 2 whose 4x4 kernel is the mirrored 3x3 one, spread over 2x2 squares.
    """

    def forward(self, x: Tensor) -> Tensor:
        kernel = 4 * F.avg_pool2d(self.weight.flip(2, 3), 2, stride=1, padding=1)  # [c', c, 4, 4]
        return convolution.conv_transpose4x4(x, kernel.transpose(0, 1), self.bias)


class ConvMeanPool(nn.Conv2d):
    """A 3x3 convolution and then 2x2 mean-pooling, [B, c, 2 h, 2 w] -> [B, c', h, w].

    The convolution of stride 2 whose 4x4 kernel is the mean of the 3x3 one at four places.
    """

    def forward(self, x: Tensor) -> Tensor:
        kernel = F.avg_pool2d(self.weight, 2, stride=1, padding=1)  # [c', c, 4, 4]
        return convolution.conv4x4(x, kernel, self.bias)


class Block(nn.Module):
    """shortcut(x) + residual(x), at twice the size (`up`) or at half of it.

    The shortcut's 1x1 convolution is done on the smaller picture: it looks at one place at a time, so it commutes
    with repeating a place and with the mean of four.
    """

    def __init__(self, c_in: int, c_out: int, norm: Norm, up: bool) -> None:
        super().__init__()
        middle = c_out if up else c_in
        # Where a norm follows, with a shift of its own, the authors leave the bias out.
        first = (UpsampleConv if up else Conv2d)(c_in, middle, 3, padding=1, bias=norm == "none")
        second = (Conv2d if up else ConvMeanPool)(middle, c_out, 3, padding=1)
        self.up = up
        self.shortcut = he(nn.Conv2d(c_in, c_out, 1), gain=1.0)
        self.residual = nn.Sequential(
            *norm_relu(norm, c_in), he(first), *norm_relu(norm, middle, after_convolution=True), he(second)
        )

    def forward(self, x: Tensor) -> Tensor:
        residual: Tensor = self.residual(x)
        if self.up:
            return residual + F.interpolate(self.shortcut(x), scale_factor=2.0, mode="nearest")
        shortcut: Tensor = self.shortcut(F.avg_pool2d(x, 2))
        return residual + shortcut


def norm_relu(norm: Norm, channels: int, after_convolution: bool = False) -> list[nn.Module]:
    """The norm and a ReLU; not in place where it would overwrite the block's input, which the shortcut reads too."""
    return [*normalisation(norm, channels), nn.ReLU(inplace=after_convolution or norm != "none")]


def he(layer: nn.Conv2d, gain: float = sqrt(2)) -> nn.Conv2d:
    """Weights uniform with the variance 2 gain^2 / (fan_in + fan_out), biases 0.

    The authors' `he_init` takes the mean of both fans; with gain 1 it is Glorot's, which the shortcuts have.
    """
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
