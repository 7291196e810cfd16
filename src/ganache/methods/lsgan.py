"""Least-squares GAN (Mao et al. 2017, "Least squares generative adversarial networks")."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganache.functional.losses import least_squares
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class Lsgan(Method):
    """Scores are drawn to a on fakes and b on reals by the critic, to c on fakes by the generator: equation 2.

    The defaults are the paper's equation 9. With a = -1, b = 1, c = 0 (equation 8) the pair minimises the Pearson
    chi-squared divergence between twice the data's and the sum of both densities.
    """

    a: float = 0.0
    """Where the critic wants fakes."""
    b: float = 1.0
    """Where the critic wants reals."""
    c: float = 1.0
    """Where the generator wants fakes."""

    @property
    def decision_threshold(self) -> float:
        return (self.a + self.b) / 2

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        of_real, of_fake = D.both(real, G(z))
        return {"real": least_squares(of_real, self.b), "fake": least_squares(of_fake, self.a)}

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return {"fake": least_squares(D(G(z)), self.c)}
