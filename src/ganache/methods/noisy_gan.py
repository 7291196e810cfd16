"""The anime article's GAN: cross-entropy on noisy labels (after Chollet 2017, "Deep Learning with Python", 8.5)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganache.functional.losses import clipped_cross_entropy, jensen_shannon
from ganache.types import Critic, Generator, Method, Terms


@dataclass(frozen=True)
class NoisyGan(Method):
    """Cross-entropy with labels 1 for fake and 0 for real, plus `label_noise` x U[0, 1] per image.

    Fake and real images pass through the critic as one batch, and the critic's loss is the mean over that batch. The
    noise keeps the critic from becoming overconfident ("an important trick"). The generator's labels are 0, without
    noise.
    """

    recipe = "anime-article"

    label_noise: float = 0.05
    """The largest amount added to a label."""

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        fake = G(z)
        scores = D(torch.cat([fake, real.to(fake.dtype)]))  # [2B]
        fake_scores, real_scores = scores[: len(fake)], scores[len(fake) :]
        noise = self.label_noise * torch.rand_like(scores)
        fake_labels, real_labels = 1 + noise[: len(fake)], noise[len(fake) :]
        return {
            "real": clipped_cross_entropy(real_scores, real_labels) / 2,
            "fake": clipped_cross_entropy(fake_scores, fake_labels) / 2,
        }

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        fake_scores = D(G(z))
        return {"fake": clipped_cross_entropy(fake_scores, torch.zeros_like(fake_scores))}

    def estimates(self, G: Generator, D: Critic, real: Tensor, z: Tensor, d: Terms) -> Terms:
        # Each term is half of its mean loss, hence the factor 2. The label noise biases the estimate slightly.
        return {"jensen_shannon": jensen_shannon(2 * d["real"], 2 * d["fake"])}
