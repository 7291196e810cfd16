"""Latent arithmetic: pure functions on z [N, z_dim] or w [N, w_dim].

A latent's address is a whole number, its seed: latent `seed` is the same whatever stands beside it in a batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from ganache.types import Prior


def from_seeds(prior: Prior, seeds: Iterable[int], categories: Sequence[int] = ()) -> Tensor:
    """One latent a seed, z [N, z_dim], drawn on the CPU so that it is the same on every device.

    `categories`, where given, are taken in turn, again and again; else each seed chooses its own.
    """
    parts = []
    for place, seed in enumerate(seeds):
        category = torch.tensor([categories[place % len(categories)]]) if categories else None
        parts.append(prior.sample(1, category=category, generator=torch.Generator().manual_seed(seed)))
    return torch.cat(parts)
