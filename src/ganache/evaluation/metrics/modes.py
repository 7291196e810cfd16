"""How many modes of a known mixture a set of samples covers, and how many of the samples lie at any."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

Points = NDArray[np.floating[Any]]

REACH = 3.0
"""Standard deviations within which a sample belongs to a mode."""
LEAST = 0.01
"""Of the samples due to a mode, the share that makes it count."""


def mode_shares(points: Points, centres: Points, std: float) -> NDArray[np.float64]:
    """The share of all points [N, D] that lies within REACH x std of each centre [K, D]: [K].

    A point counts for its nearest centre only. Points that are no numbers are at no centre.
    """
    ways = np.nan_to_num(cdist(points, centres), nan=np.inf)
    nearest = ways.argmin(axis=1)
    close = ways.min(axis=1) <= REACH * std
    counts = np.bincount(nearest[close], minlength=len(centres))
    return np.asarray(counts / len(points), dtype=np.float64)


def modes_covered(points: Points, centres: Points, std: float) -> int:
    """Modes near which there are at least 1 % of the points that an equal mixture would put there.

    >>> centres = np.array([[0.0, 0.0], [1.0, 0.0]])
    >>> modes_covered(np.array([[0.01, 0.0], [0.02, 0.01], [0.5, 0.0]]), centres, std=0.02)
    1
    """
    due = LEAST / len(centres)
    return int((mode_shares(points, centres, std) >= due).sum())


def high_quality(points: Points, centres: Points, std: float) -> float:
    """The share of points that lie at some mode. Of a round Gaussian in the plane, 1 - exp(-9 / 2) = 98.9 % do."""
    return float(mode_shares(points, centres, std).sum())
