"""R3GAN (Huang et al. 2024, "The GAN is dead; long live the GAN! A modern baseline GAN")."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganache.functional.losses import relativistic
from ganache.functional.penalties import gradient_norms, zero_centred
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class R3gan(Method):
    """Relativistic pairs, with the critic's gradient drawn to 0 on reals (R1) and on fakes (R2): section 2.

    Each real image is compared with the fake of its place in the batch, so a critic cannot win by putting all
    fakes on one side of a line, and a generator that drops modes is seen.
    """

    gamma: float = 1.0
    """Of both penalties, each weighted by gamma / 2. The paper tunes it to the data (0.05 to 150)."""

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
