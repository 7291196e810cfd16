"""WGAN-GP's residual networks: Gulrajani et al. 2017, "Improved training of Wasserstein GANs".

The layers are those of the authors' code, igul222/improved_wgan_training, `gan_64x64.py`, GoodGenerator and
GoodDiscriminator: pre-activation blocks, nearest-neighbour upsampling, mean pooling, and no activation before the
critic's head. At 64x64 in colour the generator has 8,540,483 weights and the critic 7,491,841.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from torch import nn

from ganache.networks.attention import attention_at
from ganache.networks.blocks import (
    ImageCritic,
    ImageGenerator,
    Norm,
    check_norm,
    check_positive,
    glorot,
    mixed_images,
    spectral_warnings,
)
from ganache.networks.pyramid import FeatureMap, check_attention, feature_maps, pyramid_sizes
from ganache.networks.resblock import Block, he, norm_relu
from ganache.networks.spectral import apply_spectral_norm
from ganache.types import ImageShape, Network


@dataclass(frozen=True)
class Residual(Network):
    """Gulrajani et al. 2017: one residual block per doubling or halving; batch norm in the generator, layer norm in the
    critic.

    Height and width must be multiples of 8. They are halved while both are even and the smaller half is at least 3, so
    64x64 starts at 4x4 and is doubled four times, 24x24 starts at 3x3 and is doubled three times. Channels double where
    sides halve.
    """

    z_dim: int = 128
    """Dimensions of a latent."""
    width: int = 64
    """Channels of the layer next to the image, the fewest."""
    max_width: int | None = 512
    """The largest number of channels of any layer, 8 times the width in the authors' code; None sets no limit."""
    generator_norm: Norm = "batch"
    """Normalisation in the generator's blocks."""
    critic_norm: Norm = "layer"
    """Normalisation in the critic's blocks. Gradient penalties per image exclude batch norm."""
    generator_spectral: bool = False
    """Apply spectral normalisation to every layer of the generator (Miyato et al. 2018)."""
    critic_spectral: bool = False
    """Apply it to every layer of the critic, usually with critic_norm none: a norm would undo its scale."""
    attention: int | None = None
    """Shorter side of the feature map that gets a self-attention layer in both networks (Zhang et al. 2018: 32)."""

    def __post_init__(self) -> None:
        check_positive("residual", z_dim=self.z_dim, width=self.width)
        if self.max_width is not None:
            check_positive("residual", max_width=self.max_width)
        check_norm("residual", self.generator_norm)
        check_norm("residual", self.critic_norm)

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """Return the generator, z [B, z_dim] -> x [B, C, H, W]; raise ConfigError if the shape is impossible."""
        channels, maps = self._plan(shape)
        base, norm = maps[-1], self.generator_norm
        project = nn.Linear(self.z_dim, prod(base))
        glorot(project)
        layers = attention_at(self.attention, base)
        for small, large in pairwise(reversed(maps)):
            layers += [Block(small[0], large[0], norm, up=True), *attention_at(self.attention, large)]
        last = he(nn.Conv2d(maps[0][0], channels, 3, padding=1))
        layers += [*norm_relu(norm, maps[0][0]), last, nn.Tanh()]
        G = ImageGenerator(self.z_dim, shape, project, base, nn.Sequential(*layers))
        return apply_spectral_norm(G) if self.generator_spectral else G

    def critic(self, shape: ImageShape) -> ImageCritic:
        """Return the critic, x [B, C, H, W] -> scores [B]; raise ConfigError if the shape is impossible."""
        channels, maps = self._plan(shape)
        first = nn.Conv2d(channels, maps[0][0], 3, padding=1)
        glorot(first)
        layers: list[nn.Module] = [first, *attention_at(self.attention, maps[0])]
        for large, small in pairwise(maps):
            layers += [Block(large[0], small[0], self.critic_norm, up=False), *attention_at(self.attention, small)]
        head = nn.Linear(prod(maps[-1]), 1)
        glorot(head)
        D = ImageCritic(shape, nn.Sequential(*layers), head, joins_batches=True)
        return apply_spectral_norm(D) if self.critic_spectral else D

    def critic_mixes_images(self) -> dict[str, str]:
        return mixed_images(self.critic_norm)

    def bounds_critic_slope(self) -> bool:
        return self.critic_spectral

    def warnings(self) -> Iterator[str]:
        return spectral_warnings(self.critic_norm, self.critic_spectral)

    def _plan(self, shape: ImageShape) -> tuple[int, list[FeatureMap]]:
        """Return the image's channels, and the feature maps from the image's size down to the smallest."""
        channels, sides = pyramid_sizes("residual", shape)
        maps = feature_maps(sides, self.width, self.max_width)
        check_attention("residual", self.attention, shape, maps)
        return channels, maps
