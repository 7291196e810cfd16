"""The real images that are nearest to generated ones."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ganache.core.images import Pictures
from ganache.core.rendering import Model

CHUNK = 512
"""Real images that are compared at a time."""

MAX_SEARCHED = 12_000
"""Real images that are searched by their features, at most: 12,000 take a minute of one core, once."""

REFERENCES = 100
"""Real images whose own nearest neighbours give the usual distance."""

Features = Callable[[Pictures], Tensor]
"""Images uint8 [N, H, W, C] to rows [N, F]."""


def nearest(
    fake: Pictures, real: Pictures, features: Features, k: int, seed: int, known: Tensor | None = None
) -> tuple[Tensor, Tensor, float]:
    """Find the k real images nearest to each generated one, in the root mean squared difference of their features.

    Args:
        fake: N generated images.
        real: The real images, more than k.
        features: What is compared.
        k: Neighbours per image.
        seed: Chooses the REFERENCES.
        known: The features [M, F] of the real images, if they were computed before.

    Returns:
        (distances [N, k] in ascending order, indices [N, k] into `real`, the median distance of a real image to the
        nearest other one). The distance of an exact copy is 0: exactly in pixels, but for rounding in features.
    """
    references = torch.randperm(len(real), generator=torch.Generator().manual_seed(seed))[:REFERENCES].sort().values
    own = features(np.asarray(real[references.numpy()])) if known is None else known[references]
    queries = torch.cat([features(fake), own])
    scale = math.sqrt(queries.shape[1])
    origin = queries.mean(dim=0)  # float32 is most precise near the origin
    parts = (slice(start, start + CHUNK) for start in range(0, len(real), CHUNK))
    chunks = (features(np.asarray(real[part])) if known is None else known[part] for part in parts)
    table = torch.cat([torch.cdist(queries - origin, chunk - origin) for chunk in chunks], dim=1)
    table[len(fake) + torch.arange(len(references)), references] = torch.inf
    usual = table[len(fake) :].min(dim=1).values.median().item() / scale
    indices = table[: len(fake)].topk(k, largest=False).indices
    neighbours = torch.stack([features(np.stack([real[index] for index in row])) for row in indices.tolist()])
    # Computed again without cdist, so that the distance of a copy is exactly 0.
    exact, order = ((neighbours - queries[: len(fake), None]).norm(dim=2) / scale).sort(dim=1)
    return exact, indices.gather(1, order), usual


def searched(total: int) -> slice:
    """Return which of `total` images are searched by their features: all, or every second, third, ...

    >>> searched(12_000), searched(60_000)
    (slice(None, None, 1), slice(None, None, 5))
    """
    return slice(None, None, max(1, -(-total // MAX_SEARCHED)))


def pixel_features(pictures: Pictures) -> Tensor:
    """Return the pixels of uint8 [N, H, W, C] as rows in [0, 1]; points as they are."""
    rows = torch.from_numpy(np.array(pictures)).flatten(1).float()
    return rows if pictures.ndim == 2 else rows / 255


def stored_shape(model: Model) -> tuple[int, ...]:
    """Return the shape of the model's images as they are stored, (H, W, C) or (2,)."""
    shape = model.generator.image_shape
    return shape if len(shape) == 1 else (*shape[1:], shape[0])
