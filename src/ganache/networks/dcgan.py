"""DCGAN: Radford, Metz & Chintala 2016, "Unsupervised representation learning with deep convolutional generative
adversarial networks".

The layers are those of the paper's figure 1 and section 3. Details follow soumith/dcgan.torch (`main.lua`, by one of
the authors): 4x4 kernels, where the paper's own code (Newmu/dcgan_code, `faces/train_uncond_dcgan.py`) has 5x5; batch
norm after the projection has statistics per channel, in that code per unit; there are no biases, as in both. At 64x64
in colour the generator has 3,576,704 weights and the critic 2,765,568.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from torch import nn

from ganache.errors import ConfigError
from ganache.fastconv import Conv2d, ConvTranspose2d, FusedSequential
from ganache.networks.attention import SelfAttention, attention_at
from ganache.networks.blocks import (
    ImageCritic,
    ImageGenerator,
    Norm,
    check_norm,
    check_positive,
    glorot,
    mixed_images,
    needs_bias,
    normalisation,
    spectral_warnings,
)
from ganache.networks.modulation import ModulatedGenerator, Modulation
from ganache.networks.overview import UNITS, Overview
from ganache.networks.pyramid import FeatureMap, check_attention, feature_maps, pyramid_sizes
from ganache.networks.spectral import apply_spectral_norm
from ganache.types import ImageShape, Network

SLOPE = 0.2  # of the critic's LeakyReLU; section 4
WEIGHT_STD = 0.02  # of the initial weights; section 4


@dataclass(frozen=True)
class Dcgan(Network):
    """Radford, Metz & Chintala 2016: strided convolutions, batch norm, ReLU in the generator, LeakyReLU in the critic.

    Height and width must be multiples of 8. They are halved while both are even and the smaller half is at least 3, so
    64x64 starts at 4x4 and is doubled four times, 24x24 starts at 3x3 and is doubled three times. Channels double where
    sides halve.
    """

    z_dim: int = 100
    """Dimensions of a latent (section 4)."""
    width: int = 64
    """Channels of the layer next to the image, the fewest: 128 in the paper's figure 1, 64 in dcgan.torch."""
    max_width: int | None = None
    """The largest number of channels of any layer; None sets no limit."""
    generator_norm: Norm = "batch"
    """Normalisation of the generator's layers except the last."""
    critic_norm: Norm = "batch"
    """Normalisation of the critic's layers except the first and the last."""
    generator_spectral: bool = False
    """Apply spectral normalisation to every layer of the generator (Miyato et al. 2018)."""
    critic_spectral: bool = False
    """Apply it to every layer of the critic, usually with critic_norm none: a norm would undo its scale."""
    self_modulation: bool = False
    """Scale and shift every layer of the generator by functions of the latent (Chen et al. 2019)."""
    critic_overview: int | None = None
    """Side in pixels (1, 2, 4 or 8) of a thumbnail that the critic also reads, past all norms, together with the spread
    of thumbnails across images (`overview.py`). It shows the critic colours and variety that norms hide."""
    attention: int | None = None
    """Shorter side of the feature map that gets a self-attention layer in both networks (Zhang et al. 2018: 32)."""

    def __post_init__(self) -> None:
        check_positive("dcgan", z_dim=self.z_dim, width=self.width)
        if self.max_width is not None:
            check_positive("dcgan", max_width=self.max_width)
        check_norm("dcgan", self.generator_norm)
        check_norm("dcgan", self.critic_norm)
        if self.critic_overview not in (None, 1, 2, 4, 8):
            raise ConfigError(f"dcgan was given critic_overview {self.critic_overview}: use 1, 2, 4, 8 or None.")

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """Return the generator, z [B, z_dim] -> x [B, C, H, W]; raise ConfigError if the shape is impossible."""
        channels, maps = self._plan(shape)
        base, bias = maps[-1], needs_bias(self.generator_norm)
        # The authors' transposed convolution of a 1x1 image is this linear layer.
        project = nn.Linear(self.z_dim, prod(base), bias=bias)
        # The projection is normalised as a feature map, with statistics per channel.
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
        """Return the critic, x [B, C, H, W] -> scores [B]; raise ConfigError if the shape is impossible."""
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

    def critic_mixes_images(self) -> dict[str, str]:
        overview = {"an overview": "--network.critic-overview None"} if self.critic_overview else {}
        return mixed_images(self.critic_norm) | overview

    def bounds_critic_slope(self) -> bool:
        return self.critic_spectral

    def warnings(self) -> Iterator[str]:
        return spectral_warnings(self.critic_norm, self.critic_spectral)

    def _normalised(self, channels: int) -> list[nn.Module]:
        """Return what follows a layer of the generator and precedes its activation."""
        modulation = [Modulation(self.z_dim, channels)] if self.self_modulation else []
        return normalisation(self.generator_norm, channels) + modulation

    def _plan(self, shape: ImageShape) -> tuple[int, list[FeatureMap]]:
        """Return the image's channels, and the feature maps from the first halving down to the smallest."""
        channels, sides = pyramid_sizes("dcgan", shape)
        maps = feature_maps(sides[1:], self.width, self.max_width)
        check_attention("dcgan", self.attention, shape, maps)
        return channels, maps


def initialise(layer: nn.Module) -> None:
    """Initialise weights N(0, 0.02^2), batch norm gains N(1, 0.02^2), all else 0, as in dcgan.torch.

    Self-attention and overview layers get their own initial weights: `apply` visits them after their children.
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
