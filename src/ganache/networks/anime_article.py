"""The pair of the anime article (2019): the GAN of Chollet's "Deep Learning with Python", grown to 64x64.

Everything follows Keras 2, where it was written: LeakyReLU's slope 0.3, Glorot-uniform weights, zero biases,
and pictures whose numbers lie in H W C order when a dense layer makes or reads them. "Same" padding is 2 on
each side for a 5x5 kernel and 3 for a 7x7; a transposed 4x4 convolution of stride 2 doubles the sides, which
is padding 1 here. There is no normalisation. At 64x64 in colour this makes 13,702,915 weights in the
generator and 795,009 in the critic, the article's counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ganache.errors import ConfigError
from ganache.fastconv.convolution import Conv2d, ConvTranspose2d
from ganache.networks.blocks import ImageCritic, ImageGenerator, check_image_shape, check_positive, glorot
from ganache.types import ImageShape

SLOPE = 0.3  # of LeakyReLU: Keras' default


@dataclass(frozen=True)
class AnimeArticle:
    """The anime article, 2019: three wide 5x5 convolutions after one doubling; no normalisation.

    Height and width are even and at least 24, or the critic's unpadded convolutions would leave nothing.
    """

    z_dim: int = 64
    """Numbers in a latent: 64 in the article's text, 100 in its notebook."""
    width: int = 128
    """Channels of the generator's base and of the critic; the generator's convolutions have twice as many."""
    dropout: float = 0.4
    """The part of the critic's last hidden layer that is set to 0 in training; 0 for none."""

    def __post_init__(self) -> None:
        check_positive("anime-article", z_dim=self.z_dim, width=self.width)
        if not 0 <= self.dropout < 1:
            raise ConfigError(
                f"anime-article was given dropout {self.dropout}, which must be 0 or more and less than 1: try 0.4."
            )

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """z [B, z_dim] -> x [B, C, H, W]; raises ConfigError for a shape that it cannot make."""
        channels, height, width = check_image_shape("anime-article", shape, multiple=2, least=24)
        h, w, c, wide = height // 2, width // 2, self.width, 2 * self.width
        body = nn.Sequential(
            nn.LeakyReLU(SLOPE, inplace=True),
            Conv2d(c, wide, 5, padding=2),
            nn.LeakyReLU(SLOPE, inplace=True),
            ConvTranspose2d(wide, wide, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE, inplace=True),
            Conv2d(wide, wide, 5, padding=2),
            nn.LeakyReLU(SLOPE, inplace=True),
            Conv2d(wide, wide, 5, padding=2),
            nn.LeakyReLU(SLOPE, inplace=True),
            Conv2d(wide, channels, 7, padding=3),
            nn.Tanh(),
        )
        G = ImageGenerator(self.z_dim, shape, nn.Linear(self.z_dim, h * w * c), (c, h, w), body)
        return G.apply(glorot)

    def critic(self, shape: ImageShape) -> ImageCritic:
        """x [B, C, H, W] -> scores [B]; raises ConfigError for a shape that it cannot read."""
        channels, height, width = check_image_shape("anime-article", shape, multiple=2, least=24)
        c = self.width
        layers: list[nn.Module] = [nn.Conv2d(channels, c, 3), nn.LeakyReLU(SLOPE, inplace=True)]
        h, w = height - 2, width - 2
        for _ in range(3):
            layers += [Conv2d(c, c, 4, stride=2), nn.LeakyReLU(SLOPE, inplace=True)]
            h, w = h // 2 - 1, w // 2 - 1  # (h - 4) // 2 + 1: no padding, so an odd side loses its last line
        layers += [nn.Dropout(self.dropout)]
        return ImageCritic(shape, nn.Sequential(*layers), nn.Linear(h * w * c, 1), joins_batches=True).apply(glorot)
