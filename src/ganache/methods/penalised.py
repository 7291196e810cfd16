"""Any method with gradient penalties beside its own: losses and penalties are separate choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ganache.functional.penalties import around, between, gradient_norms, one_centred, one_sided, zero_centred
from ganache.types import Critic, Generator, Method, Terms

TARGETS = {"one": one_centred, "one-sided": one_sided, "zero": zero_centred}


@dataclass(frozen=True)
class Penalised(Method):
    """`method`, whose critic also minimises the penalties whose weight is not 0."""

    method: Method
    r1: float = 0.0
    """gamma of the zero-centred penalty at real images (Mescheder et al. 2018, equation 9)."""
    r2: float = 0.0
    """The same at fakes."""
    weight: float = 0.0
    """lambda of the penalty at `where`, drawing the norm to `what`."""
    where: Literal["between", "around"] = "between"
    what: Literal["one", "one-sided", "zero"] = "one"

    @property
    def decision_threshold(self) -> float | None:
        return self.method.decision_threshold

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        norms, terms = self.norms(G, D, real, z), self.method.d_terms(G, D, real, z)
        if self.r1:
            terms["added_r1"] = self.r1 / 2 * zero_centred(norms["real"])
        if self.r2:
            terms["added_r2"] = self.r2 / 2 * zero_centred(norms["fake"])
        if self.weight:
            terms["added_penalty"] = self.weight * TARGETS[self.what](norms[self.where])
        return terms

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return self.method.g_terms(G, D, real, z)

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        norms = {f"gradient_norm_{where}": n.mean() for where, n in self.norms(G, D, real, z).items()}
        return self.method.estimates(G, D, real, z, d) | norms

    def codes(self, features: int) -> nn.Module | None:
        return self.method.codes(features)

    def after_d_step(self, D: Critic) -> None:
        self.method.after_d_step(D)

    def norms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        """The norms of the critic's gradient [B], by place, where a penalty needs them."""
        needs_fakes = self.r2 or (self.weight and self.where == "between")
        with torch.no_grad():
            fake = G(z) if needs_fakes else real
        points = {"real": real} if self.r1 else {}
        points |= {"fake": fake} if self.r2 else {}
        if self.weight:
            points[self.where] = between(real, fake) if self.where == "between" else around(real)
        return {where: gradient_norms(D, x) for where, x in points.items()}
