"""The original GAN (Goodfellow et al. 2014, "Generative Adversarial Nets")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ganache.functional.losses import gan_fake, gan_real, jensen_shannon
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class Gan(Method):
    """The critic minimises -log s(D(x)) - log(1 - s(D(G(z)))), equation 1.

    The generator minimises -log s(D(G(z))), section 3's remedy, or, as "minimax", log(1 - s(D(G(z)))), whose
    gradient dies when the critic wins.
    """

    generator: Literal["non-saturating", "minimax"] = "non-saturating"

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        of_real, of_fake = D.both(real, G(z))
        return {"real": gan_real(of_real), "fake": gan_fake(of_fake)}

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        d_fake = D(G(z))
        return {"fake": -gan_fake(d_fake) if self.generator == "minimax" else gan_real(d_fake)}

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        return {"jensen_shannon": jensen_shannon(d["real"], d["fake"])}
