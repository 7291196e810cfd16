"""Modes of a known Gaussian mixture that samples cover, and the share of samples near any mode."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating[Any]]

MODE_RADIUS = 3.0
"""A sample belongs to a mode within this many standard deviations of its centre."""
MIN_SHARE = 0.01
"""A mode is covered if it has at least this share of the samples that an equal mixture would give it."""


def mode_shares(points: Points, centres: Points, std: float) -> NDArray[np.float64]:
    """Return the share [K] of the points [N, D] that lies within MODE_RADIUS x std of each of the centres [K, D].

    A point counts for its nearest centre only; a point with NaN counts for none.
    """
    from scipy.spatial.distance import cdist  # slow, and every training imports this file

    distances = np.nan_to_num(cdist(points, centres), nan=np.inf)
    nearest = distances.argmin(axis=1)
    is_near = distances.min(axis=1) <= MODE_RADIUS * std
    counts = np.bincount(nearest[is_near], minlength=len(centres))
    return np.asarray(counts / len(points), dtype=np.float64)


def modes_covered(points: Points, centres: Points, std: float) -> int:
    """Return the number of modes with at least 1 % of the points that an equal mixture would give them.

    >>> centres = np.array([[0.0, 0.0], [1.0, 0.0]])
    >>> modes_covered(np.array([[0.01, 0.0], [0.02, 0.01], [0.5, 0.0]]), centres, std=0.02)
    1
    """
    threshold = MIN_SHARE / len(centres)
    return int((mode_shares(points, centres, std) >= threshold).sum())


def high_quality_share(points: Points, centres: Points, std: float) -> float:
    """Return the share of points near any mode. For a round Gaussian in the plane it is 1 - exp(-9 / 2) = 98.9 %."""
    return float(mode_shares(points, centres, std).sum())
