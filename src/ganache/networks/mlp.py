"""Fully connected networks for images and 2-D toys: the MLP of Arjovsky, Chintala & Bottou 2017, "WGAN".

Section 4.2 and figure 3 have 4 hidden layers of 512 units, the default here; the authors' code
(martinarjovsky/WassersteinGAN, `models/mlp.py`) has 3 and no tanh. The initial weights are PyTorch's, as in that code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Literal

from torch import nn

from ganache.networks.blocks import Flatten, ImageCritic, ImageGenerator, check_positive, check_shape
from ganache.types import ImageShape, Network


@dataclass(frozen=True)
class Mlp(Network):
    """Arjovsky, Chintala & Bottou 2017: linear layers and ReLU only, for images and for points (2,)."""

    z_dim: int = 100
    """Dimensions of a latent."""
    hidden: int = 512
    """Units per hidden layer (section 4.2)."""
    layers: int = 4
    """Hidden layers of each network (figure 3)."""
    generator_norm: Literal["none", "batch"] = "none"
    """Normalisation of the generator's hidden layers; the paper has none."""
    slope: float = 0.0
    """Slope of the critic's activations below 0: 0 is the paper's ReLU, 0.2 is DCGAN's LeakyReLU."""

    def __post_init__(self) -> None:
        check_positive("mlp", z_dim=self.z_dim, hidden=self.hidden, layers=self.layers)

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """Return the generator, z [B, z_dim] -> x [B, *shape]. Images pass through tanh, 2-D points do not."""
        check_shape("mlp", shape)
        output = nn.Identity() if len(shape) == 1 else nn.Tanh()
        hidden = self._hidden(self.z_dim, nn.ReLU, norm=self.generator_norm)
        project = nn.Sequential(*hidden, nn.Linear(self.hidden, prod(shape)), output)
        return ImageGenerator(self.z_dim, shape, project, base=shape, body=nn.Identity())

    def critic(self, shape: ImageShape) -> ImageCritic:
        """Return the critic, x [B, *shape] -> scores [B]."""
        check_shape("mlp", shape)
        hidden = self._hidden(prod(shape), partial(nn.LeakyReLU, self.slope) if self.slope else nn.ReLU)
        return ImageCritic(shape, nn.Sequential(Flatten(), *hidden), nn.Linear(self.hidden, 1), joins_batches=True)

    def _hidden(self, inputs: int, activation: Callable[..., nn.Module], norm: str = "none") -> list[nn.Module]:
        """Return the hidden layers, [B, inputs] -> [B, hidden]."""
        layers: list[nn.Module] = []
        for size in [inputs] + [self.hidden] * (self.layers - 1):
            layers.append(nn.Linear(size, self.hidden))
            layers += [nn.BatchNorm1d(self.hidden)] if norm == "batch" else []
            layers.append(activation(inplace=True))
        return layers
