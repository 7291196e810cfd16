"""DRAGAN (Kodali et al. 2017, "On convergence and stability of GANs")."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganache.functional.losses import gan_fake, gan_real, jensen_shannon
from ganache.functional.penalties import around, gradient_norms, one_centred
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class Dragan(Method):
    """The non-saturating GAN, with the critic's gradient around the real images drawn to norm 1: section 2.3."""

    weight: float = 10.0
    """Of the penalty: lambda."""
    spread: float = 0.5
    """How far around: times the standard deviation of the real images."""

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        norms = gradient_norms(D, around(real, self.spread))
        of_real, of_fake = D.both(real, G(z))
        return {
            "real": gan_real(of_real),
            "fake": gan_fake(of_fake),
            "penalty": self.weight * one_centred(norms),
        }

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return {"fake": gan_real(D(G(z)))}

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        norms = gradient_norms(D, around(real, self.spread))
        return {"jensen_shannon": jensen_shannon(d["real"], d["fake"]), "gradient_norm": norms.mean()}
