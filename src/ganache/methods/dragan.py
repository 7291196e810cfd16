"""DRAGAN (Kodali et al. 2017, "On convergence and stability of GANs")."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganache.functional.losses import gan_fake, gan_real, jensen_shannon
from ganache.functional.penalties import around, gradient_norms, one_centred
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class Dragan(Method):
    """The non-saturating GAN with a penalty that pulls the critic's gradient norm near real images to 1.

    Kodali et al. 2017, section 2.3.
    """

    per_sample_gradients = True
    recipe = "dragan"

    weight: float = 10.0
    """lambda, the weight of the penalty."""
    spread: float = 0.5
    """Size of the noise around real images, in standard deviations of the real images."""

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        norms = gradient_norms(D, around(real, self.spread))
        real_scores, fake_scores = D.both(real, G(z))
        return {
            "real": gan_real(real_scores),
            "fake": gan_fake(fake_scores),
            "penalty": self.weight * one_centred(norms),
        }

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return {"fake": gan_real(D(G(z)))}

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        norms = gradient_norms(D, around(real, self.spread))
        return {"jensen_shannon": jensen_shannon(d["real"], d["fake"]), "gradient_norm": norms.mean()}
