"""The residual pair of WGAN-GP: Gulrajani et al. 2017, "Improved training of Wasserstein GANs".

The layers are those of the authors' code, igul222/improved_wgan_training, `gan_64x64.py`, GoodGenerator and
GoodDiscriminator: blocks that normalise before they convolve, nearest upsampling, mean-pooling, and no activation
before the critic's head. At 64x64 in colour this makes 8,540,483 weights in the generator and 7,491,841 in the
critic.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod

from torch import nn

from ganache.networks.attention import attention_at
from ganache.networks.blocks import ImageCritic, ImageGenerator, Norm, check_norm, check_positive, glorot
from ganache.networks.pyramid import FeatureMap, check_attention, feature_maps, pyramid_sizes
from ganache.networks.resblock import Block, he, norm_relu
from ganache.networks.spectral import apply_spectral_norm
from ganache.types import ImageShape


@dataclass(frozen=True)
class Residual:
    """Gulrajani et al. 2017: a residual block for each doubling and each halving; batch norm against layer norm.

    Height and width are multiples of 8. They are halved while both are even and the smaller half is at least
    3: 64x64 grows from 4x4 in four doublings, 24x24 from 3x3 in three. Where sides halve, channels double.
    """

    z_dim: int = 128
    """Numbers in a latent."""
    width: int = 64
    """Channels next to the picture, where they are fewest."""
    max_width: int | None = 512
    """The most channels of any layer, 8 times the width in the authors' code; None for no limit."""
    generator_norm: Norm = "batch"
    """What normalises the generator's blocks."""
    critic_norm: Norm = "layer"
    """What normalises the critic's blocks; batch norm forbids the penalties that look at single pictures."""
    generator_spectral: bool = False
    """Whether every layer of the generator is divided by its largest singular value (Miyato et al. 2018)."""
    critic_spectral: bool = False
    """The same for the critic, usually with the critic_norm none: a norm would undo the division."""
    attention: int | None = None
    """The shorter side of the feature map that gets a self-attention layer in both (Zhang et al. 2018: 32)."""

    def __post_init__(self) -> None:
        check_positive("residual", z_dim=self.z_dim, width=self.width)
        if self.max_width is not None:
            check_positive("residual", max_width=self.max_width)
        check_norm("residual", self.generator_norm)
        check_norm("residual", self.critic_norm)

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """z [B, z_dim] -> x [B, C, H, W]; raises ConfigError for a shape that it cannot make."""
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
        """x [B, C, H, W] -> scores [B]; raises ConfigError for a shape that it cannot read."""
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

    def _plan(self, shape: ImageShape) -> tuple[int, list[FeatureMap]]:
        """The picture's channels, and the feature maps from the whole picture's size down to the smallest."""
        channels, sides = pyramid_sizes("residual", shape)
        maps = feature_maps(sides, self.width, self.max_width)
        check_attention("residual", self.attention, shape, maps)
        return channels, maps
