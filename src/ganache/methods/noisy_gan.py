"""The anime article's GAN: cross-entropy on noisy labels (after Chollet 2017, "Deep Learning with Python", 8.5)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganache.functional.losses import clipped_cross_entropy, jensen_shannon
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class NoisyGan(Method):
    """Labels 1 for fake and 0 for real, each plus `label_noise` x U[0, 1]; fakes and reals go through D together.

    The noise keeps the critic from growing sure of itself ("an important trick"). The generator's labels are 0,
    without noise. The loss is the mean over both halves of the critic's batch.
    """

    label_noise: float = 0.05

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        fake = G(z)
        scores = D(torch.cat([fake, real.to(fake.dtype)]))  # [2B]
        d_fake, d_real = scores[: len(fake)], scores[len(fake) :]
        noise = self.label_noise * torch.rand_like(scores)
        fake_labels, real_labels = 1 + noise[: len(fake)], noise[len(fake) :]
        return {
            "real": clipped_cross_entropy(d_real, real_labels) / 2,
            "fake": clipped_cross_entropy(d_fake, fake_labels) / 2,
        }

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        d_fake = D(G(z))
        return {"fake": clipped_cross_entropy(d_fake, torch.zeros_like(d_fake))}

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        # The terms are halves already; the noise on the labels shifts the estimate a little.
        return {"jensen_shannon": jensen_shannon(2 * d["real"], 2 * d["fake"])}
