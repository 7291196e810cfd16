"""Critics that transform what they see: augmented or noisy images, and class labels. Methods do not notice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ganache.functional.augment import AUGMENTATIONS
from ganache.types import Critic, at_least_float32, without_autocast


class CriticView(Critic):
    """A critic that applies augmentations and then noise to every image, real or fake.

    `p` is the probability with which each augmentation changes an image (p of Karras et al. 2020, "Training generative
    adversarial networks with limited data", section 3.1). `sigma` is the standard deviation of the instance noise
    (Arjovsky & Bottou 2017, section 3): with it both distributions have the whole space as support, so their
    divergence is smooth. It has no weights of its own.
    """

    def __init__(self, inner: Critic, augmentations: Sequence[str] = (), sigma: float = 0.0, p: float = 1.0) -> None:
        super().__init__()
        self.inner, self.head, self.codes, self.image_shape = inner, inner.head, inner.codes, inner.image_shape
        self.joins_batches = inner.joins_batches
        self.augmentations = [AUGMENTATIONS[name] for name in augmentations]
        self.sigma, self.p = sigma, p
        self.projected, self.windows = inner.projected, inner.windows

    def seen(self, x: Tensor) -> Tensor:
        for augment in self.augmentations:
            x = with_probability(self.p, augment, x)
        return x + self.sigma * torch.randn_like(x) if self.sigma > 0 else x

    def features(self, x: Tensor) -> Tensor:
        return self.inner.features(self.seen(x))

    def score(self, h: Tensor) -> Tensor:
        return self.inner.score(h)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.inner(self.seen(x))
        return scores


def with_probability(p: float, augment: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply `augment` to each sample of x [B, ...] with probability `p`."""
    if p >= 1:
        return augment(x)
    chosen = torch.rand(len(x), *[1] * (x.ndim - 1), device=x.device) < p
    return torch.where(chosen, augment(x), x)


class ProjectionCritic(Critic):
    """A critic conditioned on the class of every image, real or fake: a projection critic.

    The inner product of the class embedding and the features h is added to the score (Miyato & Koyama 2018, "cGANs
    with projection discriminator", equation 3). `labels` is [B]; a batch of k B images repeats these labels k times.
    """

    def __init__(self, inner: Critic, labels: Tensor) -> None:
        super().__init__()
        assert inner.classes is not None
        self.inner, self.head, self.codes, self.image_shape = inner, inner.head, inner.codes, inner.image_shape
        self.joins_batches = inner.joins_batches
        self.embedding, self.labels = inner.classes, labels
        self.projected, self.windows = inner.projected, inner.windows

    def features(self, x: Tensor) -> Tensor:
        return self.inner.features(x)

    def score(self, h: Tensor) -> Tensor:
        with without_autocast(h):
            embedding: Tensor = self.embedding(self.labels.repeat(len(h) // len(self.labels)))  # [B, F]
            return self.inner.score(h) + (embedding * at_least_float32(h)).sum(dim=1)
