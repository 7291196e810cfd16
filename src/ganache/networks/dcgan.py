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
from math import prod

from torch import nn

from ganache.errors import ConfigError
from ganache.fastconv.convolution import Conv2d, ConvTranspose2d
from ganache.fastconv.fused import FusedSequential
from ganache.networks.attention import SelfAttention, attention_at
from ganache.networks.blocks import (
    ImageCritic,
    ImageGenerator,
    Norm,
    check_norm,
    check_positive,
    glorot,
    needs_bias,
    normalisation,
)
from ganache.networks.modulation import ModulatedGenerator, Modulation
from ganache.networks.overview import UNITS, Overview
from ganache.networks.pyramid import FeatureMap, check_attention, feature_maps, pyramid_sizes
from ganache.networks.spectral import apply_spectral_norm
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
    generator_spectral: bool = False
    """Whether every layer of the generator is divided by its largest singular value (Miyato et al. 2018)."""
    critic_spectral: bool = False
    """The same for the critic, usually with the critic_norm none: a norm would undo the division."""
    self_modulation: bool = False
    """Whether every layer of the generator reads the latent, not the first alone (Chen et al. 2019)."""
    critic_overview: int | None = None
    """Side in pixels of a little copy of the picture that the critic reads besides, past all norms, with how much the
    copies differ (`overview.py`): 1, 2, 4 or 8. It keeps colours and variety where norms hide them."""
    attention: int | None = None
    """The shorter side of the feature map that gets a self-attention layer in both (Zhang et al. 2018: 32)."""

    def __post_init__(self) -> None:
        check_positive("dcgan", z_dim=self.z_dim, width=self.width)
        if self.max_width is not None:
            check_positive("dcgan", max_width=self.max_width)
        check_norm("dcgan", self.generator_norm)
        check_norm("dcgan", self.critic_norm)
        if self.critic_overview not in (None, 1, 2, 4, 8):
            raise ConfigError(f"dcgan was given critic_overview {self.critic_overview}: give 1, 2, 4 or 8.")

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """z [B, z_dim] -> x [B, C, H, W]; raises ConfigError for a shape that it cannot make."""
        channels, maps = self._plan(shape)
        base, bias = maps[-1], needs_bias(self.generator_norm)
        # The authors' transposed convolution of a 1x1 picture, written as the linear layer that it is.
        project = nn.Linear(self.z_dim, prod(base), bias=bias)
        # The projection is normalised once it is a picture: one mean a channel.
        layers = [*self._normalised(base[0]), nn.ReLU(inplace=True)]
        layers += attention_at(self.attention, base)
        for small, large in pairwise(reversed(maps)):
            layers += [
                ConvTranspose2d(small[0], large[0], 4, stride=2, padding=1, bias=bias),
                *self._normalised(large[0]),
                nn.ReLU(inplace=True),
                *attention_at(self.attention, large),
            ]
        layers += [ConvTranspose2d(maps[0][0], channels, 4, stride=2, padding=1, bias=False), nn.Tanh()]
        kind = ModulatedGenerator if self.self_modulation else ImageGenerator
        G = kind(self.z_dim, shape, project, base, FusedSequential(*layers)).apply(initialise)
        return apply_spectral_norm(G) if self.generator_spectral else G

    def critic(self, shape: ImageShape) -> ImageCritic:
        """x [B, C, H, W] -> scores [B]; raises ConfigError for a shape that it cannot read."""
        channels, maps = self._plan(shape)
        bias = needs_bias(self.critic_norm)
        layers: list[nn.Module] = [
            Conv2d(channels, maps[0][0], 4, stride=2, padding=1, bias=False),
            nn.LeakyReLU(SLOPE, inplace=True),
            *attention_at(self.attention, maps[0]),
        ]
        for large, small in pairwise(maps):
            layers += [
                Conv2d(large[0], small[0], 4, stride=2, padding=1, bias=bias),
                *normalisation(self.critic_norm, small[0]),
                nn.LeakyReLU(SLOPE, inplace=True),
                *attention_at(self.attention, small),
            ]
        overview = Overview(self.critic_overview, shape) if self.critic_overview else None
        head = nn.Linear(prod(maps[-1]) + (UNITS if overview else 0), 1, bias=False)
        D = ImageCritic(shape, FusedSequential(*layers), head, overview, joins_batches=True).apply(initialise)
        return apply_spectral_norm(D) if self.critic_spectral else D

    def _normalised(self, channels: int) -> list[nn.Module]:
        """What follows a layer of the generator, before its activation."""
        modulation = [Modulation(self.z_dim, channels)] if self.self_modulation else []
        return normalisation(self.generator_norm, channels) + modulation

    def _plan(self, shape: ImageShape) -> tuple[int, list[FeatureMap]]:
        """The picture's channels, and the feature maps from the first halving down to the smallest."""
        channels, sides = pyramid_sizes("dcgan", shape)
        maps = feature_maps(sides[1:], self.width, self.max_width)
        check_attention("dcgan", self.attention, shape, maps)
        return channels, maps


def initialise(layer: nn.Module) -> None:
    """Weights N(0, 0.02^2), batch norm gains N(1, 0.02^2), all else 0, as in dcgan.torch.

    Self-attention and an overview, which `apply` meets after their parts, keep weights of their own.
    """
    if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, WEIGHT_STD)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, WEIGHT_STD)
    elif isinstance(layer, SelfAttention):
        layer.apply(glorot)
        return
    elif isinstance(layer, Overview):
        layer.initialise()
        return
    else:
        return
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
