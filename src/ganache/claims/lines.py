"""The parallel lines of Arjovsky et al. 2017 (Wasserstein GAN), example 1, as a generator whose only weight is t."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ganache.networks import Mlp
from ganache.types import Critic, Generator, ImageShape, Network


class Line(Generator):
    """z uniform on [-1/2, 1/2] -> (t, z + 1/2)."""

    z_dim, image_shape = 1, (2,)

    def __init__(self, t: float) -> None:
        super().__init__()
        self.t = nn.Parameter(torch.tensor(t))

    def synthesis(self, w: Tensor) -> Tensor:
        return torch.cat([self.t.expand_as(w), w + 0.5], dim=1)


@dataclass(frozen=True)
class LinePair(Network):
    """A network family: the generator is the line at t, the critic an MLP."""

    t: float
    critic_pair: Mlp
    z_dim: int = 1

    def generator(self, shape: ImageShape) -> Generator:
        return Line(self.t)

    def critic(self, shape: ImageShape) -> Critic:
        return cast(Critic, self.critic_pair.critic(shape))


def line(t: float, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points (t, z) [N, 2] for z [N]."""
    return np.stack([np.full_like(z, t), z], axis=1)
