"""The networks of the WGAN article (2018, PaddlePaddle fluid), designed for MNIST.

They follow fluid, in which the article is written: LeakyReLU of slope 0.02; a bias before the generator's batch norm,
although the norm removes it; dense weights Glorot-uniform, convolution weights N(0, 2 / (k * k * input channels)), zero
biases; `resize_bilinear` with `align_corners`, the default in fluid. At 28x28 in grey the generator has 6,751,233
weights and the critic 93,025.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ganache.fastconv import BatchNorm2d, UpsampleConv2d
from ganache.networks.blocks import ImageCritic, ImageGenerator, check_image_shape, check_positive, glorot
from ganache.types import ImageShape, Network

SLOPE = 0.02  # of LeakyReLU; the default in fluid


@dataclass(frozen=True)
class WganArticle(Network):
    """The WGAN article, 2018: upsampling, 5x5 convolutions and tanh; a critic of 3x3 convolutions and max-pooling.

    Height and width must be multiples of 4, because they are doubled twice, and at least 24, because the critic's
    convolutions are not padded.
    """

    z_dim: int = 100
    """Dimensions of a latent; the article's listing does not say."""
    hidden: int = 1024
    """Units of the generator's first layer."""
    width: int = 32
    """Channels of the critic's first convolution; the other layers of both networks have 2 and 4 times as many."""

    def __post_init__(self) -> None:
        check_positive("wgan-article", z_dim=self.z_dim, hidden=self.hidden, width=self.width)

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """Return the generator, z [B, z_dim] -> x [B, C, H, W]; raise ConfigError if the shape is impossible."""
        channels, height, width = check_image_shape("wgan-article", shape, multiple=4, least=24)
        h, w, c = height // 4, width // 4, 4 * self.width
        project = nn.Sequential(
            nn.Linear(self.z_dim, self.hidden),
            nn.Tanh(),
            nn.Linear(self.hidden, h * w * c),
            nn.BatchNorm1d(h * w * c),  # statistics per unit: fluid normalises the rows of a dense layer
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
        """Return the critic, x [B, C, H, W] -> scores [B]; raise ConfigError if the shape is impossible."""
        c, h, w = check_image_shape("wgan-article", shape, multiple=4, least=24)
        layers: list[nn.Module] = []
        for wide in (self.width, 2 * self.width, 4 * self.width):
            layers += [
                nn.Conv2d(c, wide, 3, bias=False),
                BatchNorm2d(wide),
                nn.MaxPool2d(2),
                nn.LeakyReLU(SLOPE, inplace=True),  # before the pooling in the article; monotonic, so the same result
            ]
            c, h, w = wide, (h - 2) // 2, (w - 2) // 2
        return ImageCritic(shape, nn.Sequential(*layers), nn.Linear(h * w * c, 1), joins_batches=True).apply(initialise)

    def critic_mixes_images(self) -> dict[str, str]:
        return {"batch norm": "--network.name dcgan --network.critic-norm layer"}


def initialise(layer: nn.Module) -> None:
    """Initialise dense layers by Glorot & Bengio 2010, convolutions by He et al. 2015, as fluid does."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    else:
        glorot(layer)
