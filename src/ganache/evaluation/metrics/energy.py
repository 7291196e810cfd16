"""The energy distance between two sets of features (Szekely and Rizzo 2013, "Energy statistics")."""

from __future__ import annotations

import torch
from torch import Tensor


def energy_distance(a: Tensor, b: Tensor) -> float:
    """Return the energy distance 2 E|x - y| - E|x - x'| - E|y - y'| between rows a [N, F] and b [M, F].

    It is that of the two samples, with pairs of a row and itself: 0 for equal samples, otherwise positive.
    """
    between = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").mean()
    within = sum(2 * torch.pdist(rows).sum() / len(rows) ** 2 for rows in (a, b))
    return float(2 * between - within)
