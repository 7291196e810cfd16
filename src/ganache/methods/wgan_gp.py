"""Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, "Improved training of Wasserstein GANs")."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganache.functional.losses import wasserstein_fake, wasserstein_real
from ganache.functional.penalties import between, gradient_norms, one_centred, one_sided
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class WganGp(Method):
    """WGAN with a penalty in place of clipping: the critic's gradient norm between reals and fakes is pulled to 1.

    Gulrajani et al. 2017, equation 3 and algorithm 1.
    """

    per_sample_gradients = True
    recipe = "wgan-gp"

    weight: float = 10.0
    """lambda, the weight of the penalty."""
    one_sided: bool = False
    """Penalise only norms above 1 (section 4, "Two-sided penalty")."""

    @property
    def decision_threshold(self) -> None:
        return None

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        fake = G(z)
        norms = gradient_norms(D, between(real, fake))
        penalty = one_sided(norms) if self.one_sided else one_centred(norms)
        real_scores, fake_scores = D.both(real, fake)
        return {
            "real": wasserstein_real(real_scores),
            "fake": wasserstein_fake(fake_scores),
            "penalty": self.weight * penalty,
        }

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return {"fake": wasserstein_real(D(G(z)))}

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        norms = gradient_norms(D, between(real, G(z)))
        return {"wasserstein": -(d["real"] + d["fake"]), "gradient_norm": norms.mean()}
