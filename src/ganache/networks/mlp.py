"""Fully connected layers, for pictures and 2-D toys: the MLP of Arjovsky, Chintala & Bottou 2017, "WGAN".

Section 4.2 and figure 3 have 4 hidden layers of 512 units, which is the default; the authors' own code
(martinarjovsky/WassersteinGAN, `models/mlp.py`) has 3, and no tanh. The weights start as PyTorch's linear
layers do, as there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Literal

from torch import nn

from ganache.networks.blocks import Flatten, ImageCritic, ImageGenerator, check_positive, check_shape
from ganache.types import ImageShape


@dataclass(frozen=True)
class Mlp:
    """Arjovsky, Chintala & Bottou 2017: nothing but linear layers and ReLU, for any shape, (2,) included."""

    z_dim: int = 100
    """Numbers in a latent."""
    hidden: int = 512
    """Units of a hidden layer (section 4.2)."""
    layers: int = 4
    """Hidden layers of each network (figure 3)."""
    generator_norm: Literal["none", "batch"] = "none"
    """What normalises the generator's hidden layers; the papers' have nothing."""
    slope: float = 0.0
    """Of the critic's activations below 0: 0 is the papers' ReLU, Radford's 0.2 lets gradients through everywhere."""

    def __post_init__(self) -> None:
        check_positive("mlp", z_dim=self.z_dim, hidden=self.hidden, layers=self.layers)

    def generator(self, shape: ImageShape) -> ImageGenerator:
        """z [B, z_dim] -> x [B, *shape]: pictures through tanh, the points of a 2-D toy without."""
        check_shape("mlp", shape)
        ends = nn.Identity() if len(shape) == 1 else nn.Tanh()
        hidden = self._hidden(self.z_dim, nn.ReLU, norm=self.generator_norm)
        project = nn.Sequential(*hidden, nn.Linear(self.hidden, prod(shape)), ends)
        return ImageGenerator(self.z_dim, shape, project, base=shape, body=nn.Identity())

    def critic(self, shape: ImageShape) -> ImageCritic:
        """x [B, *shape] -> scores [B]."""
        check_shape("mlp", shape)
        hidden = self._hidden(prod(shape), partial(nn.LeakyReLU, self.slope) if self.slope else nn.ReLU)
        return ImageCritic(shape, nn.Sequential(Flatten(), *hidden), nn.Linear(self.hidden, 1), joins_batches=True)

    def _hidden(self, inputs: int, activation: Callable[..., nn.Module], norm: str = "none") -> list[nn.Module]:
        """The hidden layers, [B, inputs] -> [B, hidden]."""
        layers: list[nn.Module] = []
        for size in [inputs] + [self.hidden] * (self.layers - 1):
            layers.append(nn.Linear(size, self.hidden))
            layers += [nn.BatchNorm1d(self.hidden)] if norm == "batch" else []
            layers.append(activation(inplace=True))
        return layers
