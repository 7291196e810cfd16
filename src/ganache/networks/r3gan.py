"""R3GAN's networks: Huang et al. 2024, "The GAN is dead; long live the GAN! A modern baseline GAN", section 4.

The layers and initial weights are those of the authors' code, brownvc/R3GAN, `R3GAN/Networks.py` and `Resamplers.py`.
There is no normalisation: each residual branch starts at 0, so both networks are linear at first. As in the authors'
code there is no tanh; values outside [-1, 1] are clamped when an image is converted to bytes. At 64x64 in colour the
generator has 1,714,016 weights and the critic 1,697,888.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from ganache.networks.blocks import ImageCritic, ImageGenerator, check_positive
from ganache.networks.pyramid import FeatureMap, feature_maps, pyramid_sizes
from ganache.networks.r3block import Block, DiscriminativeBasis, GenerativeBasis, Resample, channel_conversion, msr
from ganache.types import ImageShape, Network


@dataclass(frozen=True)
class R3gan(Network):
    """Huang et al. 2024: residual blocks with grouped convolutions; the critic mirrors the generator.

    Height and width must be multiples of 8. They are halved while both are even and the smaller half is at least 3, so
    64x64 starts at 4x4 and is doubled four times, 24x24 starts at 3x3 and is doubled three times. Channels double where
    sides halve. The defaults suit a small machine: the authors train 64x64 with width 384 and 256x256 with width 96,
    both with max_width 768.
    """

    z_dim: int = 64
    """Dimensions of a latent."""
    width: int = 32
    """Channels of the layer next to the image, the fewest."""
    max_width: int | None = 256
    """The largest number of channels between two blocks; None sets no limit."""
    blocks: int = 2
    """Residual blocks per feature map size."""
    expansion: int = 2
    """Factor between the channels inside a block and outside of it."""
    group_size: int = 16
    """Channels per group in the 3x3 convolutions; if it does not divide all channels, the greatest common divisor."""

    def __post_init__(self) -> None:
        check_positive("r3gan", z_dim=self.z_dim, width=self.width, blocks=self.blocks)
        check_positive("r3gan", expansion=self.expansion, group_size=self.group_size)
        if self.max_width is not None:
            check_positive("r3gan", max_width=self.max_width)

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """Return the generator, z [B, z_dim] -> x [B, C, H, W]; raise ConfigError if the shape is impossible."""
        channels, maps = self._plan(shape)
        layers = self._blocks(maps[-1], maps)
        for small, large in pairwise(reversed(maps)):
            layers += [*channel_conversion(small[0], large[0]), Resample(up=True), *self._blocks(large, maps)]
        layers.append(msr(nn.Conv2d(maps[0][0], channels, 1, bias=False)))
        return ImageGenerator(
            self.z_dim, shape, GenerativeBasis(self.z_dim, maps[-1]), maps[-1], nn.Sequential(*layers)
        )

    def critic(self, shape: ImageShape) -> ImageCritic:
        """Return the critic, x [B, C, H, W] -> scores [B]; raise ConfigError if the shape is impossible."""
        channels, maps = self._plan(shape)
        layers = [msr(nn.Conv2d(channels, maps[0][0], 1, bias=False)), *self._blocks(maps[0], maps)]
        for large, small in pairwise(maps):
            layers += [Resample(up=False), *channel_conversion(large[0], small[0]), *self._blocks(small, maps)]
        head = msr(nn.Linear(maps[-1][0], 1, bias=False))
        return ImageCritic(shape, nn.Sequential(*layers, DiscriminativeBasis(maps[-1])), head, joins_batches=True)

    def _plan(self, shape: ImageShape) -> tuple[int, list[FeatureMap]]:
        """Return the image's channels, and the feature maps from the image's size down to the smallest."""
        channels, sides = pyramid_sizes("r3gan", shape)
        return channels, feature_maps(sides, self.width, self.max_width)

    def _blocks(self, feature_map: FeatureMap, maps: list[FeatureMap]) -> list[nn.Module]:
        """Return the residual blocks at one of the feature maps."""
        depth = self.blocks * len(maps)
        return [Block(feature_map[0], self.expansion, self.group_size, depth) for _ in range(self.blocks)]
