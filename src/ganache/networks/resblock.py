"""WGAN-GP's residual block and its resizing convolutions: igul222/improved_wgan_training, `gan_64x64.py`.

The authors upsample and then convolve, or convolve and then average. Each pair is linear, so it is computed here as a
single convolution of stride 2: the same result up to rounding, with 4 / 9 of the multiplications and without the large
intermediate map.
"""

from __future__ import annotations

from math import sqrt

import torch.nn.functional as F
from torch import Tensor, nn

from ganache.fastconv import Conv2d, conv4x4, conv_transpose4x4
from ganache.networks.blocks import Norm, normalisation


class UpsampleConv(nn.Conv2d):
    """Nearest-neighbour upsampling followed by a 3x3 convolution, [B, c, h, w] -> [B, c', 2 h, 2 w].

    Computed as a transposed convolution of stride 2 whose 4x4 kernel is the flipped 3x3 kernel summed over 2x2 windows.
    """

    def forward(self, x: Tensor) -> Tensor:
        kernel = 4 * F.avg_pool2d(self.weight.flip(2, 3), 2, stride=1, padding=1)  # [c', c, 4, 4]
        return conv_transpose4x4(x, kernel.transpose(0, 1), self.bias)


class ConvMeanPool(nn.Conv2d):
    """A 3x3 convolution followed by 2x2 mean pooling, [B, c, 2 h, 2 w] -> [B, c', h, w].

    Computed as a convolution of stride 2 whose 4x4 kernel is the mean of the 3x3 kernel at four offsets.
    """

    def forward(self, x: Tensor) -> Tensor:
        kernel = F.avg_pool2d(self.weight, 2, stride=1, padding=1)  # [c', c, 4, 4]
        return conv4x4(x, kernel, self.bias)


class Block(nn.Module):
    """A residual block, shortcut(x) + residual(x), at twice the size (`up`) or half of it.

    The 1x1 convolution of the shortcut is applied to the smaller map: it acts on single positions, so it commutes with
    upsampling and with mean pooling.
    """

    def __init__(self, c_in: int, c_out: int, norm: Norm, up: bool) -> None:
        super().__init__()
        middle = c_out if up else c_in
        # The authors leave out the bias where a norm with its own shift follows.
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
    """Return a norm and a ReLU, which is not in place if it would overwrite the input that the shortcut reads too."""
    return [*normalisation(norm, channels), nn.ReLU(inplace=after_convolution or norm != "none")]


def he(layer: nn.Conv2d, gain: float = sqrt(2)) -> nn.Conv2d:
    """Initialise weights uniformly with variance 2 gain^2 / (fan_in + fan_out), biases 0; return the layer.

    The authors' `he_init` uses the mean of both fans. Gain 1 is Glorot's initialisation, used for the shortcuts.
    """
    nn.init.xavier_uniform_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
