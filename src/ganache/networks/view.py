"""What the critic is shown: images as they are, augmented, or with noise on them. No method mentions it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ganache.augment import AUGMENTATIONS
from ganache.types import Critic


class View(Critic):
    """A critic that sees every image, real or fake, through the named augmentations and then through noise.

    `sigma` is the standard deviation of the instance noise (Arjovsky & Bottou 2017, section 3): with it both
    distributions have the whole space as support, so their divergence is smooth. A View holds no weights of its own.
    """

    def __init__(self, inner: Critic, augmentations: Sequence[str] = (), sigma: float = 0.0) -> None:
        super().__init__()
        self.inner, self.head, self.image_shape = inner, inner.head, inner.image_shape
        self.augmentations = [AUGMENTATIONS[name] for name in augmentations]
        self.sigma = sigma

    def features(self, x: Tensor) -> Tensor:
        for augment in self.augmentations:
            x = augment(x)
        if self.sigma > 0:
            x = x + self.sigma * torch.randn_like(x)
        return self.inner.features(x)
