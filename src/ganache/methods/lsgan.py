"""Least-squares GAN (Mao et al. 2017, "Least squares generative adversarial networks")."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganache.functional.losses import least_squares
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class Lsgan(Method):
    """The critic regresses its scores to a on fakes and b on reals, the generator to c on fakes.

    Mao et al. 2017, equation 2, with the targets of equation 9 as defaults. With a = -1, b = 1, c = 0 (equation 8) the
    pair minimises the Pearson chi-squared divergence between p_data + p_g and 2 p_g.
    """

    draws_random_numbers = False
    recipe = "lsgan"

    a: float = 0.0
    """The critic's target for fake images."""
    b: float = 1.0
    """The critic's target for real images."""
    c: float = 1.0
    """The generator's target for fake images."""

    @property
    def decision_threshold(self) -> float:
        return (self.a + self.b) / 2

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        real_scores, fake_scores = D.both(real, G(z))
        return {"real": least_squares(real_scores, self.b), "fake": least_squares(fake_scores, self.a)}

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return {"fake": least_squares(D(G(z)), self.c)}
