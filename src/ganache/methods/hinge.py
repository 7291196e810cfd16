"""The hinge GAN (Lim & Ye 2017, "Geometric GAN"), the loss of SNGAN and SAGAN."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganache.functional.losses import hinge_fake, hinge_real, wasserstein_real
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class Hinge(Method):
    """The critic minimises relu(1 - D(x)) + relu(1 + D(G(z))), the generator -D(G(z)).

    Miyato et al. 2018, equations 16 and 17; Zhang et al. 2018 (SAGAN), equation 4. Samples beyond their margin
    contribute no gradient to the critic.
    """

    draws_random_numbers = False
    recipe = "hinge"

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        real_scores, fake_scores = D.both(real, G(z))
        return {"real": hinge_real(real_scores), "fake": hinge_fake(fake_scores)}

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return {"fake": wasserstein_real(D(G(z)))}
