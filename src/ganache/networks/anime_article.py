"""The networks of the anime article (2019): the GAN of Chollet's "Deep Learning with Python", enlarged to 64x64.

They follow Keras 2, in which the article is written: LeakyReLU of slope 0.3, Glorot-uniform weights, zero biases, and
flattened images in H W C order. "Same" padding is 2 on each side of a 5x5 kernel and 3 of a 7x7 kernel; a transposed
4x4 convolution of stride 2 doubles the sides, which is padding 1 in PyTorch. There is no normalisation. At 64x64 in
colour the generator has 13,702,915 weights and the critic 795,009, the article's counts.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ganache.errors import ConfigError
from ganache.fastconv import Conv2d, ConvTranspose2d
from ganache.networks.blocks import ImageCritic, ImageGenerator, check_image_shape, check_positive, glorot
from ganache.types import ImageShape, Network

SLOPE = 0.3  # of LeakyReLU; the default in Keras


@dataclass(frozen=True)
class AnimeArticle(Network):
    """The anime article, 2019: 5x5 convolutions, one upsampling by 2, no normalisation.

    Height and width must be even and at least 24, because the critic's convolutions are not padded.
    """

    z_dim: int = 64
    """Dimensions of a latent: 64 in the article's text, 100 in its notebook."""
    width: int = 128
    """Channels of the generator's first map and of the critic; the generator's convolutions have twice as many."""
    dropout: float = 0.4
    """Dropout probability after the critic's last hidden layer; 0 turns it off."""

    def __post_init__(self) -> None:
        check_positive("anime-article", z_dim=self.z_dim, width=self.width)
        if not 0 <= self.dropout < 1:
            raise ConfigError(
                f"anime-article was given dropout {self.dropout}, which must be at least 0 and below 1: use 0.4."
            )

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """Return the generator, z [B, z_dim] -> x [B, C, H, W]; raise ConfigError if the shape is impossible."""
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
        """Return the critic, x [B, C, H, W] -> scores [B]; raise ConfigError if the shape is impossible."""
        channels, height, width = check_image_shape("anime-article", shape, multiple=2, least=24)
        c = self.width
        layers: list[nn.Module] = [nn.Conv2d(channels, c, 3), nn.LeakyReLU(SLOPE, inplace=True)]
        h, w = height - 2, width - 2
        for _ in range(3):
            layers += [Conv2d(c, c, 4, stride=2), nn.LeakyReLU(SLOPE, inplace=True)]
            h, w = h // 2 - 1, w // 2 - 1  # (h - 4) // 2 + 1: no padding, so the last line of an odd side is dropped
        layers += [nn.Dropout(self.dropout)]
        return ImageCritic(shape, nn.Sequential(*layers), nn.Linear(h * w * c, 1), joins_batches=True).apply(glorot)
