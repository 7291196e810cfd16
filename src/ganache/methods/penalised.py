"""Penalties added to any method, so that loss and penalty can be chosen separately."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from ganache.functional.penalties import (
    around,
    between,
    gradient_norms,
    one_centred,
    one_sided,
    path_length_penalty,
    zero_centred,
)
from ganache.methods.wrapped import Wrapped
from ganache.types import Critic, Generator, Terms

TARGETS = {"one": one_centred, "one-sided": one_sided, "zero": zero_centred}


@dataclass(frozen=True)
class Penalised(Wrapped):
    """`method` with added penalties: those whose weight is not 0."""

    per_sample_gradients = True

    r1: float = 0.0
    """gamma of R1, the zero-centred penalty at real images (Mescheder et al. 2018, equation 9)."""
    r2: float = 0.0
    """gamma of R2, the zero-centred penalty at fake images."""
    weight: float = 0.0
    """lambda of one more penalty, whose points and target follow."""
    where: Literal["between", "around"] = "between"
    """Its points: between real and fake images (WGAN-GP), or around real images (DRAGAN)."""
    what: Literal["one", "one-sided", "zero"] = "one"
    """Its target for the gradient norm: 1, at most 1, or 0."""
    every: int = 1
    """Batches from one computation of these penalties to the next, which is as many times as strong."""
    path_length: float = 0.0
    """Weight of the path length penalty on the generator, which must have a mapping."""
    path_length_every: int = 4
    """Batches from one computation of that to the next."""

    def at(self, batch_index: int) -> Penalised:
        """Return the method at this batch: penalties that are not due have the weight 0 (Karras et al. 2020, 3.1)."""
        critic = 0 if batch_index % self.every else self.every
        paths = 0 if batch_index % self.path_length_every else self.path_length_every
        return replace(
            self,
            method=self.method.at(batch_index),
            r1=critic * self.r1,
            r2=critic * self.r2,
            weight=critic * self.weight,
            path_length=paths * self.path_length,
        )

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return self.method.d_terms(G, D, real, z) | self.penalties(G, D, real, z)

    def iter_d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Iterator[tuple[str, Tensor]]:
        yield from self.method.iter_d_terms(G, D, real, z)
        first = self.penalties(G, D, real, z)
        for place, name in enumerate(first):
            yield name, (self.penalties(G, D, real, z) if place else first)[name]

    def penalties(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        norms, terms = self.norms(G, D, real, z), Terms()
        if self.r1:
            terms["added_r1"] = self.r1 / 2 * zero_centred(norms["real"])
        if self.r2:
            terms["added_r2"] = self.r2 / 2 * zero_centred(norms["fake"])
        if self.weight:
            terms["added_penalty"] = self.weight * TARGETS[self.what](norms[self.where])
        return terms

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        terms = self.method.g_terms(G, D, real, z)
        if self.path_length:
            terms["added_path_length"] = self.path_length * path_length_penalty(G, z)
        return terms

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        norms = {f"gradient_norm_{where}": n.mean() for where, n in self.norms(G, D, real, z).items()}
        return super().estimates(G, D, real, z, d) | norms

    def norms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        """Return the critic's gradient norms [B] at each kind of point that a penalty needs."""
        needs_fakes = self.r2 or (self.weight and self.where == "between")
        with torch.no_grad():
            fake = G(z) if needs_fakes else real
        points = {"real": real} if self.r1 else {}
        points |= {"fake": fake} if self.r2 else {}
        if self.weight:
            points[self.where] = between(real, fake) if self.where == "between" else around(real)
        return {where: gradient_norms(D, x) for where, x in points.items()}
