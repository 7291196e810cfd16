"""The pair of the WGAN article (2018, PaddlePaddle fluid), made for MNIST.

Everything follows fluid, where it was written: LeakyReLU's slope 0.02; a bias before the generator's batch
norm, although the norm takes it away again; dense weights Glorot-uniform, convolutions N(0, 2 / (k k channels
in)), zero biases; `resize_bilinear` with `align_corners` on, fluid's default. At 28x28 in grey this makes
6,751,233 weights in the generator and 93,025 in the critic.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ganache.fastconv.batch_norm import BatchNorm2d
from ganache.fastconv.upsample import UpsampleConv2d
from ganache.networks.blocks import ImageCritic, ImageGenerator, check_image_shape, check_positive, glorot
from ganache.types import ImageShape

SLOPE = 0.02  # of LeakyReLU: fluid's default


@dataclass(frozen=True)
class WganArticle:
    """The WGAN article, 2018: resizing, 5x5 convolutions and tanh against 3x3 convolutions and max-pooling.

    Height and width are multiples of 4, as they are doubled twice, and at least 24, or the critic's unpadded
    convolutions would leave nothing.
    """

    z_dim: int = 100
    """Numbers in a latent; the article's listing does not say."""
    hidden: int = 1024
    """Units of the generator's first layer."""
    width: int = 32
    """Channels of the critic's first convolution; the other layers of both have 2 and 4 times as many."""

    def __post_init__(self) -> None:
        check_positive("wgan-article", z_dim=self.z_dim, hidden=self.hidden, width=self.width)

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """z [B, z_dim] -> x [B, C, H, W]; raises ConfigError for a shape that it cannot make."""
        channels, height, width = check_image_shape("wgan-article", shape, multiple=4, least=24)
        h, w, c = height // 4, width // 4, 4 * self.width
        project = nn.Sequential(
            nn.Linear(self.z_dim, self.hidden),
            nn.Tanh(),
            nn.Linear(self.hidden, h * w * c),
            nn.BatchNorm1d(h * w * c),  # one mean a unit: fluid normalises the dense layer's rows
            nn.Tanh(),
        )
        body = nn.Sequential(
            UpsampleConv2d(c, 2 * self.width, 5, (h, w)),
            nn.Tanh(),
            UpsampleConv2d(2 * self.width, channels, 5, (2 * h, 2 * w)),
            nn.Tanh(),
        )
        return ImageGenerator(self.z_dim, shape, project, (c, h, w), body).apply(initialise)

    def critic(self, shape: ImageShape) -> ImageCritic:
        """x [B, C, H, W] -> scores [B]; raises ConfigError for a shape that it cannot read."""
        c, h, w = check_image_shape("wgan-article", shape, multiple=4, least=24)
        layers: list[nn.Module] = []
        for wide in (self.width, 2 * self.width, 4 * self.width):
            layers += [
                nn.Conv2d(c, wide, 3, bias=False),
                BatchNorm2d(wide),
                nn.MaxPool2d(2),
                nn.LeakyReLU(SLOPE, inplace=True),  # the article's comes before: the same for less, as it only rises
            ]
            c, h, w = wide, (h - 2) // 2, (w - 2) // 2
        return ImageCritic(shape, nn.Sequential(*layers), nn.Linear(h * w * c, 1), joins_batches=True).apply(initialise)


def initialise(layer: nn.Module) -> None:
    """Dense layers by Glorot & Bengio, convolutions by He et al., as fluid does."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    else:
        glorot(layer)
