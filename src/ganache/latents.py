"""Latent arithmetic: pure functions on z [N, z_dim] or w [N, w_dim].

A latent's address is a whole number, its seed: latent `seed` is the same whatever stands beside it in a batch.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from ganache.types import Prior


def from_seeds(prior: Prior, seeds: Iterable[int]) -> Tensor:
    """One latent a seed, z [N, z_dim], drawn on the CPU so that it is the same on every device."""
    return torch.cat([prior.sample(1, generator=torch.Generator().manual_seed(seed)) for seed in seeds])
