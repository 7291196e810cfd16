"""Two critics at once: the network's own, and critics of pretrained features (`networks/projected.py`)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ganache.methods.wrapped import Wrapped
from ganache.types import Critic, Generator, PrecomputedGenerator, Terms


@dataclass(frozen=True)
class Projected(Wrapped):
    """`method`, played against the critic and against `D.projected`, whose terms are called projected_...

    Each of the two pulls at the generator's images with a gradient of a fixed length over the batch, 1 and `weight`:
    their losses change by orders of magnitude in a training, at different times. The critics' own gradients are those
    of the terms.
    """

    weight: float = 1.0
    """Length of the gradient from the critics of pretrained features."""
    share: float = 1.0
    """Share of a batch's images that they see."""

    def at(self, batch_index: int) -> Projected:
        return replace(self, method=self.method.at(batch_index))

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        x, seen = G(z), self.seen(real)
        own = self.method.d_terms(PrecomputedGenerator(x), D, real, z)
        return own | self.named(
            self.method.d_terms(PrecomputedGenerator(x[:seen]), projected(D), real[:seen], z[:seen])
        )

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        x, seen = G(z), self.seen(real)
        own, other = of_length(x, 1.0), of_length(x[:seen], self.weight)
        terms = self.method.g_terms(PrecomputedGenerator(own), D, real, z)
        return terms | self.named(self.method.g_terms(PrecomputedGenerator(other), projected(D), real[:seen], z[:seen]))

    def seen(self, batch: Tensor) -> int:
        """Return how many images of a batch the critics of pretrained features see."""
        return max(1, round(self.share * len(batch)))

    @staticmethod
    def named(terms: Terms) -> Terms:
        return {f"projected_{name}": term for name, term in terms.items()}


def projected(D: Critic) -> Critic:
    """Return the critics of pretrained features that belong to a critic."""
    assert D.projected is not None
    return D.projected


def of_length(x: Tensor, length: float) -> Tensor:
    """Return x, whose gradient is scaled to this length."""
    scaled: Tensor = GradientOfLength.apply(x, length)  # type: ignore[no-untyped-call]
    return scaled


class GradientOfLength(torch.autograd.Function):
    """The identity, whose gradient is scaled to a given length."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, length: float) -> Tensor:
        ctx.length = length
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        norm = torch.linalg.vector_norm(gradient, dtype=torch.float32)
        return gradient * (ctx.length / norm.clamp_min(1e-30)).to(gradient.dtype), None
