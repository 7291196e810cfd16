"""R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN! A modern baseline GAN")."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganache.functional.losses import relativistic
from ganache.functional.penalties import gradient_norms, zero_centred
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class R3gan(Method):
    """The relativistic pairing loss with zero-centred gradient penalties on reals (R1) and on fakes (R2).

    Huang et al. 2024, section 2. Each real image is paired with the fake at the same index of the batch, so the critic
    cannot win by separating all fakes with one threshold, and dropped modes are penalised.
    """

    per_sample_gradients = True
    draws_random_numbers = False
    recipe = "r3gan"

    gamma: float = 1.0
    """Both penalties are weighted by gamma / 2. The paper tunes it per data set (0.05 to 150)."""

    @property
    def decision_threshold(self) -> None:
        return None

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        fake = G(z)
        return {
            "pair": relativistic(*D.both(real, fake)),
            "r1": self.gamma / 2 * zero_centred(gradient_norms(D, real)),
            "r2": self.gamma / 2 * zero_centred(gradient_norms(D, fake)),
        }

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return {"pair": relativistic(D(G(z)), D(real))}

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        return {
            "gradient_norm_real": gradient_norms(D, real).mean(),
            "gradient_norm_fake": gradient_norms(D, G(z)).mean(),
        }
