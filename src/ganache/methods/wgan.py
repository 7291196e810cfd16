"""Wasserstein GAN with weight clipping (Arjovsky, Chintala & Bottou 2017, "Wasserstein GAN")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ganache.functional.losses import wasserstein_fake, wasserstein_real
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class Wgan(Method):
    """The critic minimises D(G(z)) - D(x), the generator -D(G(z)): algorithm 1, written as descent.

    After each critic step, every weight of the critic is clipped to [-clip, clip], which bounds its Lipschitz
    constant.
    """

    draws_random_numbers = False
    recipe = "wgan"

    clip: float | None = 0.01
    """The bound of the critic's weights (algorithm 1: c). None leaves them unclipped, as the WGAN article's listing
    did by mistake."""

    @property
    def decision_threshold(self) -> None:
        return None

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        real_scores, fake_scores = D.both(real, G(z))
        return {"real": wasserstein_real(real_scores), "fake": wasserstein_fake(fake_scores)}

    def iter_d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Iterator[tuple[str, Tensor]]:
        yield "real", wasserstein_real(D(real))
        yield "fake", wasserstein_fake(D(G(z)))

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return {"fake": wasserstein_real(D(G(z)))}

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        estimates = {"wasserstein": -(d["real"] + d["fake"])}
        if self.clip is not None:
            weights = torch.cat([weight.detach().flatten() for weight in D.parameters()])
            estimates["at_clip"] = (weights.abs() >= 0.99 * self.clip).float().mean()
        return estimates

    @torch.no_grad()
    def after_d_step(self, D: Critic) -> None:
        if self.clip is not None:
            weights: list[Tensor] = list(D.parameters())
            torch._foreach_clamp_min_(weights, -self.clip)
            torch._foreach_clamp_max_(weights, self.clip)

    def clips_weights(self) -> bool:
        return self.clip is not None

    def needs_bounded_slope(self) -> bool:
        return self.clip is None
