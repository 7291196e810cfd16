"""The original GAN (Goodfellow et al. 2014, "Generative Adversarial Nets")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ganache.functional.losses import gan_fake, gan_real, jensen_shannon
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class Gan(Method):
    """The critic minimises -log sigmoid(D(x)) - log(1 - sigmoid(D(G(z)))), equation 1 of Goodfellow et al. 2014.

    The generator minimises -log sigmoid(D(G(z))) (section 3) or, as "minimax", log(1 - sigmoid(D(G(z)))), whose
    gradient vanishes when the critic wins.
    """

    draws_random_numbers = False
    recipe = "gan-mlp"

    generator: Literal["non-saturating", "minimax"] = "non-saturating"
    """The generator's loss."""

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        real_scores, fake_scores = D.both(real, G(z))
        return {"real": gan_real(real_scores), "fake": gan_fake(fake_scores)}

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        fake_scores = D(G(z))
        return {"fake": -gan_fake(fake_scores) if self.generator == "minimax" else gan_real(fake_scores)}

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        return {"jensen_shannon": jensen_shannon(d["real"], d["fake"])}

    def warnings(self) -> Iterator[str]:
        if self.generator == "minimax":
            yield (
                "The gradient of the minimax generator vanishes when the critic wins (Goodfellow et al. 2014, section "
                "3): use --method.generator non-saturating."
            )
