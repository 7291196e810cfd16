"""InfoGAN's networks for MNIST: Chen et al. 2016, "InfoGAN: interpretable representation learning by information
maximizing generative adversarial nets", appendix C.1, table 1.

Details that the table does not give follow the authors' code, openai/InfoGAN, `models/regularized_gan.py` and
`misc/custom_ops.py`, with three differences. The last layer is a tanh for images in [-1, 1], not a sigmoid for [0, 1].
Biases that a batch norm would remove are left out. LeakyReLU has the paper's slope of 0.1; their code has 0.01. At
28x28 in grey the generator has 6,645,121 weights and the critic 6,558,017. The recognition network Q is a head on the
critic's last hidden layer, which the method adds (`methods/infogan.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ganache.fastconv import Conv2d, ConvTranspose2d, FusedSequential
from ganache.networks.blocks import (
    Flatten,
    ImageCritic,
    ImageGenerator,
    Norm,
    check_image_shape,
    check_norm,
    check_positive,
    mixed_images,
    needs_bias,
    normalisation,
)
from ganache.types import ImageShape, Network

SLOPE = 0.1  # of the critic's LeakyReLU; appendix C.1
STD = 0.02  # of the initial weights


@dataclass(frozen=True)
class Infogan(Network):
    """Chen et al. 2016: two dense layers and two transposed convolutions; the critic is the mirror image.

    Height and width must be multiples of 4, because they are halved twice, and at least 8. The dense layers grow with
    the image's area: at 64x64 each network has about 34 million weights.
    """

    z_dim: int = 74
    """Dimensions of a latent; in the paper 62 of noise, 10 of a one-hot category, and 2 continuous codes."""
    hidden: int = 1024
    """Units of the generator's first layer, and of the critic's last hidden layer, which Q reads."""
    width: int = 64
    """Channels of the layer next to the image; the next one inwards has twice as many."""
    generator_norm: Norm = "batch"
    """Normalisation of the generator's layers except the last. Instance norm does not apply to the dense layers."""
    critic_norm: Norm = "batch"
    """Normalisation of the critic's layers except the first and the last. Instance norm: as above."""

    def __post_init__(self) -> None:
        check_positive("infogan", z_dim=self.z_dim, hidden=self.hidden, width=self.width)
        check_norm("infogan", self.generator_norm)
        check_norm("infogan", self.critic_norm)

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """Return the generator, z [B, z_dim] -> x [B, C, H, W]; raise ConfigError if the shape is impossible."""
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
        """Return the critic, x [B, C, H, W] -> scores [B]; raise ConfigError if the shape is impossible."""
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

    def critic_mixes_images(self) -> dict[str, str]:
        return mixed_images(self.critic_norm)


def dense(inputs: int, units: int, norm: Norm) -> list[nn.Module]:
    """Return a linear layer and the normalisation of its output [B, units]; batch norm has statistics per unit."""
    match norm:
        case "batch":
            return [nn.Linear(inputs, units, bias=False), nn.BatchNorm1d(units)]
        case "instance":
            return [nn.Linear(inputs, units)]  # one unit of one image is one number, which has no variance
        case _:
            return [nn.Linear(inputs, units), *normalisation(norm, units)]


def initialise(layer: nn.Module) -> None:
    """Initialise weights N(0, 0.02^2), truncated at 2 deviations in the critic's convolutions; gains N(1, 0.02^2)."""
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
