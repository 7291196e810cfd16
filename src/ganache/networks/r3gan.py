"""The pair of R3GAN: Huang et al. 2024, "The GAN is dead; long live the GAN! A modern baseline GAN", section 4.

The layers and first weights are those of the authors' code, brownvc/R3GAN, `R3GAN/Networks.py` and `Resamplers.py`.
There is no normalisation anywhere: each residual branch starts at 0, so at first both networks are linear in what
they are given. Nor is there a tanh, there as here: what lies outside [-1, 1] is clamped when it becomes bytes. At
64x64 in colour this makes 1,714,016 weights in the generator and 1,697,888 in the critic.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from ganache.networks.blocks import ImageCritic, ImageGenerator, check_positive
from ganache.networks.pyramid import FeatureMap, feature_maps, pyramid_sizes
from ganache.networks.r3block import Block, DiscriminativeBasis, GenerativeBasis, Resample, channel_conversion, msr
from ganache.types import ImageShape


@dataclass(frozen=True)
class R3gan:
    """Huang et al. 2024: residual blocks with grouped convolutions, the critic the generator's mirror image.

    Height and width are multiples of 8. They are halved while both are even and the smaller half is at least
    3: 64x64 grows from 4x4 in four doublings, 24x24 from 3x3 in three. Where sides halve, channels double. The
    defaults are for a small machine: the authors train 64x64 with width 384 and 256x256 with width 96, both with
    max_width 768.
    """

    z_dim: int = 64
    """Numbers in a latent."""
    width: int = 32
    """Channels next to the picture, where they are fewest."""
    max_width: int | None = 256
    """The most channels between two blocks; None for no limit."""
    blocks: int = 2
    """Residual blocks at each size."""
    expansion: int = 2
    """How many times as many channels there are inside a block."""
    group_size: int = 16
    """Channels in a group of the 3x3 convolutions, or the most that divide this number and all the channels."""

    def __post_init__(self) -> None:
        check_positive("r3gan", z_dim=self.z_dim, width=self.width, blocks=self.blocks)
        check_positive("r3gan", expansion=self.expansion, group_size=self.group_size)
        if self.max_width is not None:
            check_positive("r3gan", max_width=self.max_width)

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """z [B, z_dim] -> x [B, C, H, W]; raises ConfigError for a shape that it cannot make."""
        channels, maps = self._plan(shape)
        layers = self._blocks(maps[-1], maps)
        for small, large in pairwise(reversed(maps)):
            layers += [*channel_conversion(small[0], large[0]), Resample(up=True), *self._blocks(large, maps)]
        layers.append(msr(nn.Conv2d(maps[0][0], channels, 1, bias=False)))
        return ImageGenerator(
            self.z_dim, shape, GenerativeBasis(self.z_dim, maps[-1]), maps[-1], nn.Sequential(*layers)
        )

    def critic(self, shape: ImageShape) -> ImageCritic:
        """x [B, C, H, W] -> scores [B]; raises ConfigError for a shape that it cannot read."""
        channels, maps = self._plan(shape)
        layers = [msr(nn.Conv2d(channels, maps[0][0], 1, bias=False)), *self._blocks(maps[0], maps)]
        for large, small in pairwise(maps):
            layers += [Resample(up=False), *channel_conversion(large[0], small[0]), *self._blocks(small, maps)]
        head = msr(nn.Linear(maps[-1][0], 1, bias=False))
        return ImageCritic(shape, nn.Sequential(*layers, DiscriminativeBasis(maps[-1])), head, joins_batches=True)

    def _plan(self, shape: ImageShape) -> tuple[int, list[FeatureMap]]:
        """The picture's channels, and the feature maps from the whole picture's size down to the smallest."""
        channels, sides = pyramid_sizes("r3gan", shape)
        return channels, feature_maps(sides, self.width, self.max_width)

    def _blocks(self, feature_map: FeatureMap, maps: list[FeatureMap]) -> list[nn.Module]:
        """The residual blocks at one of a network's maps."""
        depth = self.blocks * len(maps)
        return [Block(feature_map[0], self.expansion, self.group_size, depth) for _ in range(self.blocks)]
