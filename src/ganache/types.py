"""The words of ganache: Generator, Critic, Method, Prior.

Shapes are written in one alphabet, everywhere:

    B  batch      C  channels      H  height      W  width      N  how many      F  features
    z  latents [B, z_dim]                     w  mapped latents [B, w_dim]
    x  images [B, C, H, W] in [-1, 1]         y  labels [B]

A 2-D toy is an "image" of shape (2,): x is then [B, 2].
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.nn.modules.batchnorm import _BatchNorm

ImageShape = tuple[int, ...]
"""(C, H, W), or (2,) for a 2-D toy."""

Terms = dict[str, Tensor]
"""Named parts of a loss, weighted already: the loss is their sum. Each is a float32 scalar."""


class Generator(nn.Module, ABC):
    """z [B, z_dim] -> x [B, *image_shape] in [-1, 1]."""

    z_dim: int
    image_shape: ImageShape

    def mapping(self, z: Tensor) -> Tensor:
        """z [B, z_dim] -> w [B, w_dim]; the identity unless a network has a mapping of its own."""
        return z

    @abstractmethod
    def synthesis(self, w: Tensor) -> Tensor:
        """w [B, w_dim] -> x [B, *image_shape] in [-1, 1]."""

    def forward(self, z: Tensor) -> Tensor:
        return self.synthesis(self.mapping(z))


class Critic(nn.Module, ABC):
    """x [B, *image_shape] -> raw scores [B], higher for more real. No sigmoid: a loss adds its own.

    `head` is the last linear layer, [B, F] -> [B, 1]. It computes in float32 (float64 in a float64 network) even
    where the body computes in bfloat16, whose three digits are too few for the difference of two scores.
    """

    image_shape: ImageShape
    joins_batches: bool = False
    """Whether `both` may score real and fake images in one pass. A family sets this to True where each score depends
    on its own image alone, or where every layer that looks at its batch has an attribute `batch_groups`: the number of
    batches, one after the other, in what it is given."""
    head: nn.Linear
    codes: nn.Module | None
    """InfoGAN's Q, where the method asks for one: features [B, F] -> what it reads off the codes of a fake."""
    classes: nn.Module | None
    """Where the critic is told the class: labels [B] -> a direction of the features [B, F] for each."""

    def __init__(self) -> None:
        super().__init__()
        self.codes = None
        self.classes = None

    @abstractmethod
    def features(self, x: Tensor) -> Tensor:
        """x [B, *image_shape] -> the last hidden layer [B, F]."""

    def score(self, h: Tensor) -> Tensor:
        """Features [B, F] -> raw scores [B]."""
        with torch.autocast(h.device.type, enabled=False):
            scores: Tensor = self.head(at_least_float32(h))
        return scores.flatten()

    def read_codes(self, h: Tensor) -> Tensor:
        """What Q says of features [B, F], [B, anything]."""
        assert self.codes is not None
        with torch.autocast(h.device.type, enabled=False):
            said: Tensor = self.codes(at_least_float32(h))
        return said

    def forward(self, x: Tensor) -> Tensor:
        return self.score(self.features(x))

    def both(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The scores of two batches, [B] and [B']: in one pass where `joins_batches` allows it and it is the same.

        It is not the same for two batches of different sizes, nor where a batch norm is not ours and would mix both.
        """
        aware: list[Any] = [module for module in self.modules() if hasattr(module, "batch_groups")]
        mixes = any(isinstance(module, _BatchNorm) and module not in aware for module in self.modules())
        if not self.joins_batches or len(real) != len(fake) or mixes:
            return self(real), self(fake)
        try:
            for module in aware:
                module.batch_groups = 2
            real_scores, fake_scores = self(torch.cat([real, fake])).chunk(2)
        finally:
            for module in aware:
                module.batch_groups = 1
        return real_scores, fake_scores


def at_least_float32(h: Tensor) -> Tensor:
    """float32, or float64 where the network is float64."""
    return h if h.dtype is torch.float64 else h.float()


class Method(ABC):
    """What critic and generator minimise: a frozen dataclass of a paper's constants, with the paper's defaults.

    It holds no backward pass, no optimiser, no device, no logging: `train` has those.
    """

    @abstractmethod
    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        """What the critic minimises, on real [B, *image_shape] and z [B, z_dim]."""

    def iter_d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Iterator[tuple[str, Tensor]]:
        """The same terms by name, each computed when it is asked for, with the weights that the critic then has.

        A method whose terms share no pass may have a cheaper way.
        """
        terms = self.d_terms(G, D, real, z)
        for turn, name in enumerate(terms):
            yield name, self.d_terms(G, D, real, z)[name] if turn else terms[name]

    @abstractmethod
    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        """What the generator minimises; `real` is for the few methods that compare pairs."""

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        """What the method knows of the distance between the two distributions, and of its critic; for the log.

        `d` holds the terms of the critic's last step. Empty for methods that know nothing of it.
        """
        return {}

    @property
    def decision_threshold(self) -> float | None:
        """The critic's score for an image that it takes for neither; None where only differences of scores count."""
        return 0.0

    def codes(self, features: int) -> nn.Module | None:
        """A head of the critic's that the method reads, [B, features] -> anything; None for most methods."""
        return None

    def after_d_step(self, D: Critic) -> None:  # noqa: B027  (a hook: most methods do nothing here)
        """Called when the critic's optimiser has stepped: the place of weight clipping."""


@dataclass(frozen=True)
class Prior:
    """The distribution of z [N, z_dim]: noise, then a category as one-hot, then continuous codes.

    The noise is N(mean, std^2) in each dimension, or uniform on [mean - std, mean + std]; the category is any of
    `categories` (a class of the data, or InfoGAN's code), the continuous codes are uniform on [-1, 1]. Most runs
    have noise only.
    """

    z_dim: int
    kind: Literal["normal", "uniform"] = "normal"
    mean: float = 0.0
    std: float = 1.0
    categories: int = 0
    continuous: int = 0

    @property
    def noise(self) -> int:
        """Dimensions of noise."""
        return self.z_dim - self.categories - self.continuous

    def sample(
        self,
        n: int,
        *,
        category: Tensor | None = None,
        device: torch.device | str = "cpu",
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """n latents [n, z_dim]; from `generator`, or from the device's own random state.

        `category` [n] chooses the categories; without it they are drawn.
        """
        draw = torch.rand if self.kind == "uniform" else torch.randn
        unit = draw((n, self.noise), device=device, generator=generator)
        if self.kind == "uniform":
            unit = unit * 2 - 1
        parts = [self.mean + self.std * unit]
        if self.categories:
            if category is None:
                category = torch.randint(self.categories, (n,), device=device, generator=generator)
            parts.append(one_hot(category.to(device), self.categories).to(unit.dtype))
        if self.continuous:
            parts.append(torch.rand((n, self.continuous), device=device, generator=generator) * 2 - 1)
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
