"""DCGAN: Radford, Metz & Chintala 2016, "Unsupervised representation learning with deep convolutional
generative adversarial networks".

The layers are those of the paper's figure 1 and section 3. Where the paper says little, soumith/dcgan.torch
(`main.lua`, by one of the authors) is followed: 4x4 kernels, where the paper's own code (Newmu/dcgan_code,
`faces/train_uncond_dcgan.py`) has 5x5; one batch norm statistic a channel after the projection, where that
code has one a unit; no biases, as in both. At 64x64 in colour this makes 3,576,704 weights in the generator
and 2,765,568 in the critic.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from ganache.networks.blocks import (
    Norm,
    PictureCritic,
    PictureGenerator,
    check_counts,
    check_norm,
    needs_bias,
    normalisation,
    picture_sides,
)
from ganache.types import ImageShape

SLOPE = 0.2  # of the critic's LeakyReLU; section 4
WEIGHT_STD = 0.02  # of every weight at the start; section 4


@dataclass(frozen=True)
class Dcgan:
    """Radford, Metz & Chintala 2016: strided convolutions, batch norm, ReLU against LeakyReLU.

    Height and width are multiples of 8. They are halved while both are even and the smaller half is at least
    3: 64x64 grows from 4x4 in four doublings, 24x24 from 3x3 in three. Where sides halve, channels double.
    """

    z_dim: int = 100
    """Numbers in a latent (section 4)."""
    width: int = 64
    """Channels next to the picture, where they are fewest: 128 in the paper's figure 1, 64 in dcgan.torch."""
    max_width: int | None = None
    """The most channels of any layer; None for as many as the doublings ask for."""
    generator_norm: Norm = "batch"
    """What normalises the generator's layers, all but the last."""
    critic_norm: Norm = "batch"
    """What normalises the critic's layers, all but the first and the last."""

    def __post_init__(self) -> None:
        check_counts("dcgan", z_dim=self.z_dim, width=self.width)
        if self.max_width is not None:
            check_counts("dcgan", max_width=self.max_width)
        check_norm("dcgan", self.generator_norm)
        check_norm("dcgan", self.critic_norm)

    def generator(self, shape: ImageShape) -> PictureGenerator:
        """z [B, z_dim] -> x [B, C, H, W]; raises ConfigError for a shape that it cannot make."""
        channels, base, widths = self._plan(shape)
        bias = needs_bias(self.generator_norm)
        # The authors' transposed convolution of a 1x1 picture, written as the linear layer that it is.
        project = nn.Linear(self.z_dim, base[0] * base[1] * widths[-1], bias=bias)
        # The projection is normalised once it is a picture: one mean a channel.
        layers = [*normalisation(self.generator_norm, widths[-1]), nn.ReLU(inplace=True)]
        for wide, narrow in pairwise(reversed(widths)):
            layers += [
                nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1, bias=bias),
                *normalisation(self.generator_norm, narrow),
                nn.ReLU(inplace=True),
            ]
        layers += [nn.ConvTranspose2d(widths[0], channels, 4, stride=2, padding=1, bias=False), nn.Tanh()]
        G = PictureGenerator(self.z_dim, shape, project, (widths[-1], *base), nn.Sequential(*layers))
        return G.apply(initialise)

    def critic(self, shape: ImageShape) -> PictureCritic:
        """x [B, C, H, W] -> scores [B]; raises ConfigError for a shape that it cannot read."""
        channels, base, widths = self._plan(shape)
        bias = needs_bias(self.critic_norm)
        layers: list[nn.Module] = [
            nn.Conv2d(channels, widths[0], 4, stride=2, padding=1, bias=False),
            nn.LeakyReLU(SLOPE, inplace=True),
        ]
        for narrow, wide in pairwise(widths):
            layers += [
                nn.Conv2d(narrow, wide, 4, stride=2, padding=1, bias=bias),
                *normalisation(self.critic_norm, wide),
                nn.LeakyReLU(SLOPE, inplace=True),
            ]
        head = nn.Linear(base[0] * base[1] * widths[-1], 1, bias=False)
        return PictureCritic(shape, nn.Sequential(*layers), head).apply(initialise)

    def _plan(self, shape: ImageShape) -> tuple[int, tuple[int, int], list[int]]:
        """The picture's channels, the smallest picture's (h, w), and the channels after each halving."""
        channels, h, w = picture_sides("dcgan", shape, multiple=8, least=8)
        widths: list[int] = []
        while h % 2 == w % 2 == 0 and min(h, w) // 2 >= 3:
            width = self.width * 2 ** len(widths)
            widths.append(width if self.max_width is None else min(width, self.max_width))
            h, w = h // 2, w // 2
        return channels, (h, w), widths


def initialise(layer: nn.Module) -> None:
    """Weights N(0, 0.02^2), batch norm gains N(1, 0.02^2), all else 0, as in dcgan.torch."""
    if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, WEIGHT_STD)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, WEIGHT_STD)
    else:
        return
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
