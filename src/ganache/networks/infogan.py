"""The pair of InfoGAN for MNIST: Chen et al. 2016, "InfoGAN: interpretable representation learning by information
maximizing generative adversarial nets", appendix C.1, table 1.

What the table leaves open is as in the authors' code, openai/InfoGAN, `models/regularized_gan.py` and
`misc/custom_ops.py`. Three things differ. The authors end in a sigmoid, for pictures in [0, 1]; here it is a tanh, for
[-1, 1]. They keep the biases that a batch norm takes away again. And LeakyReLU has the paper's slope of 0.1, where
their code has 0.01. At 28x28 in grey this makes 6,645,121 weights in the generator and 6,558,017 in the critic. The
recogniser Q is a head on the critic's last hidden layer, which the method brings along.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ganache.fastconv.convolution import Conv2d, ConvTranspose2d
from ganache.fastconv.fused import FusedSequential
from ganache.networks.blocks import (
    Flatten,
    ImageCritic,
    ImageGenerator,
    Norm,
    check_image_shape,
    check_norm,
    check_positive,
    needs_bias,
    normalisation,
)
from ganache.types import ImageShape

SLOPE = 0.1  # of the critic's LeakyReLU; appendix C.1
STD = 0.02  # of every weight at the start


@dataclass(frozen=True)
class Infogan:
    """Chen et al. 2016: two dense layers and two transposed convolutions against their mirror image.

    Height and width are multiples of 4, as they are halved twice, and at least 8. The dense layers grow with the
    picture's area: at 64x64 each network has some 34 million weights.
    """

    z_dim: int = 74
    """Numbers in a latent: in the paper 62 of noise, a category of 10, and 2 continuous codes."""
    hidden: int = 1024
    """Units of the generator's first layer, and of the critic's last hidden one, which is what Q reads."""
    width: int = 64
    """Channels next to the picture; the convolution further inside has twice as many."""
    generator_norm: Norm = "batch"
    """What normalises the generator's layers, all but the last; instance norm leaves the dense ones alone."""
    critic_norm: Norm = "batch"
    """What normalises the critic's layers, all but the first and the last; instance norm as above."""

    def __post_init__(self) -> None:
        check_positive("infogan", z_dim=self.z_dim, hidden=self.hidden, width=self.width)
        check_norm("infogan", self.generator_norm)
        check_norm("infogan", self.critic_norm)

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """z [B, z_dim] -> x [B, C, H, W]; raises ConfigError for a shape that it cannot make."""
        channels, height, width = check_image_shape("infogan", shape, multiple=4, least=8)
        c, h, w = 2 * self.width, height // 4, width // 4
        project = nn.Sequential(
            *dense(self.z_dim, self.hidden, self.generator_norm),
            nn.ReLU(inplace=True),
            *dense(self.hidden, h * w * c, self.generator_norm),
            nn.ReLU(inplace=True),
        )
        body = FusedSequential(
            ConvTranspose2d(c, self.width, 4, stride=2, padding=1, bias=needs_bias(self.generator_norm)),
            *normalisation(self.generator_norm, self.width),
            nn.ReLU(inplace=True),
            ConvTranspose2d(self.width, channels, 4, stride=2, padding=1),
            nn.Tanh(),
        )
        return ImageGenerator(self.z_dim, shape, project, (c, h, w), body).apply(initialise)

    def critic(self, shape: ImageShape) -> ImageCritic:
        """x [B, C, H, W] -> scores [B]; raises ConfigError for a shape that it cannot read."""
        channels, height, width = check_image_shape("infogan", shape, multiple=4, least=8)
        c = 2 * self.width
        body = FusedSequential(
            Conv2d(channels, self.width, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE, inplace=True),
            Conv2d(self.width, c, 4, stride=2, padding=1, bias=needs_bias(self.critic_norm)),
            *normalisation(self.critic_norm, c),
            nn.LeakyReLU(SLOPE, inplace=True),
            Flatten(),
            *dense((height // 4) * (width // 4) * c, self.hidden, self.critic_norm),
            nn.LeakyReLU(SLOPE, inplace=True),
        )
        return ImageCritic(shape, body, nn.Linear(self.hidden, 1), joins_batches=True).apply(initialise)


def dense(inputs: int, units: int, norm: Norm) -> list[nn.Module]:
    """A linear layer and what normalises its rows [B, units]; batch norm takes one mean a unit."""
    match norm:
        case "batch":
            return [nn.Linear(inputs, units, bias=False), nn.BatchNorm1d(units)]
        case "instance":
            return [nn.Linear(inputs, units)]  # a unit of one picture is one number, and has no spread
        case _:
            return [nn.Linear(inputs, units), *normalisation(norm, units)]


def initialise(layer: nn.Module) -> None:
    """Weights N(0, 0.02^2), the critic's convolutions cut off at two deviations; gains N(1, 0.02^2), all else 0."""
    if isinstance(layer, nn.Conv2d):
        nn.init.trunc_normal_(layer.weight, 0.0, STD, -2 * STD, 2 * STD)
    elif isinstance(layer, nn.Linear | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, STD)
    elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, STD)
    else:
        return
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
