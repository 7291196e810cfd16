"""Two critics at once: the network's own, and critics of pretrained features (`networks/projected.py`)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ganache.methods.wrapped import Wrapped
from ganache.types import Critic, Generator, PrecomputedGenerator, Terms


@dataclass(frozen=True)
class Projected(Wrapped):
    """`method`, played against the critic, and against critics of pretrained features of whole images and of windows.

    Those are `D.projected` and `D.windows`; their terms are called projected_... and windows_... Each of the three
    pulls at the generator's images with a gradient of a fixed length over the batch, 1 and twice `weight`: their losses
    change by orders of magnitude in a training, at different times. The critics' own gradients are those of the terms.
    """

    weight: float = 1.0
    """Length of the gradient from each of the critics of pretrained features."""
    share: float = 1.0
    """Share of a batch's images, the first ones, that are seen whole."""
    windows: float = 0.0
    """Share of a batch's images, the last ones, of which windows are seen."""
    window: tuple[float, float] = (0.5, 0.5)
    """Where this batch's window is, from top to bottom and from left to right, both in [0, 1]. All images of a batch,
    real and fake, have the same one, so that the critics compare like with like."""

    def at(self, batch_index: int) -> Projected:
        drawn = random.Random(batch_index)
        return replace(self, method=self.method.at(batch_index), window=(drawn.random(), drawn.random()))

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        x = G(z)
        terms = self.method.d_terms(PrecomputedGenerator(x), D, real, z)
        for part in self.parts(D, len(real)):
            fake = PrecomputedGenerator(part.of(x))
            terms |= part.named(self.method.d_terms(fake, part.critic, part.of(real), z[part.rows]))
        return terms

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        x = G(z)
        terms = self.method.g_terms(PrecomputedGenerator(of_length(x, 1.0)), D, real, z)
        for part in self.parts(D, len(real)):
            fake = PrecomputedGenerator(part.of(of_length(x, self.weight)))
            terms |= part.named(self.method.g_terms(fake, part.critic, part.of(real), z[part.rows]))
        return terms

    def parts(self, D: Critic, batch: int) -> Iterator[Part]:
        """Yield what each of the critics of pretrained features sees of a batch."""
        if D.projected is not None:
            yield Part("projected", D.projected, slice(0, max(1, round(self.share * batch))))
        if D.windows is not None:
            yield Part("windows", D.windows, slice(batch - max(1, round(self.windows * batch)), batch), self.window)


@dataclass(frozen=True)
class Part:
    """What critics of pretrained features see of a batch."""

    name: str
    critic: Critic
    rows: slice
    window: tuple[float, float] | None = None
    """Where their window is; None for whole images."""

    def of(self, x: Tensor) -> Tensor:
        """Return the images, or windows of half of each side, rounded up."""
        x = x[self.rows]
        for axis, position in zip((2, 3), self.window or (), strict=False):
            side = x.shape[axis]
            size = (side + 1) // 2
            x = x.narrow(axis, round(position * (side - size)), size)
        return x

    def named(self, terms: Terms) -> Terms:
        return {f"{self.name}_{name}": term for name, term in terms.items()}


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
