"""Distances between distributions: Kullback-Leibler, Jensen-Shannon, total variation and earth mover's (EM) distance.

Arjovsky, Chintala & Bottou 2017, "Wasserstein GAN", section 2. A density is an array of probabilities over a set of
cells, with sum 1; samples are points [N, D]. Logarithms are natural, so Jensen-Shannon lies between 0 and log 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.special import rel_entr

Array = NDArray[np.float64]

# ---- between densities ---------------------------------------------------------------------------------------------


def kullback_leibler(p: ArrayLike, q: ArrayLike) -> float:
    """Return sum p log(p / q); infinity if p has mass in a cell where q has none.

    >>> round(kullback_leibler([1, 0], [0.5, 0.5]), 4), kullback_leibler([0.5, 0.5], [1, 0])
    (0.6931, inf)
    """
    p, q = _densities(p, q)
    return float(rel_entr(p, q).sum())


def jensen_shannon(p: ArrayLike, q: ArrayLike) -> float:
    """Return the mean Kullback-Leibler divergence of p and q to (p + q) / 2: 0 if equal, log 2 if disjoint."""
    p, q = _densities(p, q)
    total = p + q  # not (p + q) / 2, which underflows for the smallest numbers
    return float((rel_entr(2 * p, total).sum() + rel_entr(2 * q, total).sum()) / 4)


def total_variation(p: ArrayLike, q: ArrayLike) -> float:
    """Return the largest difference in probability of any event, half the sum of abs(p - q): from 0 to 1."""
    p, q = _densities(p, q)
    return float(np.abs(p - q).sum() / 2)


def histograms(x: Array, y: Array, bins: Sequence[Array]) -> tuple[Array, Array]:
    """Return samples [N, D] and [M, D] as densities over the same cells; `bins` holds the edges per dimension.

    Raises ValueError if a sample lies outside all cells.
    """
    counts = [np.histogramdd(points, bins=bins)[0] for points in (x, y)]
    for points, counted in zip((x, y), counts, strict=True):
        if counted.sum() != len(points):
            outside = len(points) - int(counted.sum())
            raise ValueError(f"{outside} of {len(points)} samples lie outside the cells: use wider bins")
    return counts[0] / len(x), counts[1] / len(y)


def _densities(p: ArrayLike, q: ArrayLike) -> tuple[Array, Array]:
    """Return p and q as flat float64 arrays; raise ValueError if they are not densities over equally many cells."""
    p, q = np.asarray(p, dtype=np.float64).ravel(), np.asarray(q, dtype=np.float64).ravel()
    if len(p) != len(q):
        raise ValueError(f"got densities over {len(p)} and {len(q)} cells, expected the same cells for both")
    for density in (p, q):
        if not (density >= 0).all() or abs(density.sum() - 1) > 1e-9:
            raise ValueError("the probabilities of a density must not be negative and must sum to 1")
    return p, q


# ---- between samples -----------------------------------------------------------------------------------------------


def earth_mover(x: Array, y: Array) -> float:
    """Return the EM or Wasserstein-1 distance between two samples of the same size [N, D].

    It is the mean distance in the cheapest one-to-one assignment, which is exact (Peyre & Cuturi 2019, "Computational
    optimal transport", proposition 2.1: between uniform samples of equal size a permutation is optimal). Sorting finds
    it in one dimension. Otherwise it is an assignment problem: a third of a second for 1,000 points, memory N^2. Raises
    ValueError if the shapes differ.
    """
    if x.shape != y.shape or x.ndim != 2:
        raise ValueError(f"got {x.shape} and {y.shape}, expected as many points of the same dimension, [N, D]")
    if x.shape[1] == 1:
        return float(np.abs(np.sort(x, axis=0) - np.sort(y, axis=0)).mean())
    distances = cdist(x, y)
    return float(distances[linear_sum_assignment(distances)].mean())


# ---- the parallel lines, in closed form ----------------------------------------------------------------------------


def parallel_lines(t: float) -> dict[str, float]:
    """Return all four distances between (0, Z) and (t, Z), with Z uniform on [0, 1]: example 1 of "Wasserstein GAN".

    Only EM is continuous in t; the others jump at 0.

    >>> parallel_lines(0.5)["earth_mover"], parallel_lines(0.0)["jensen_shannon"]
    (0.5, 0.0)
    """
    apart = t != 0
    return {
        "earth_mover": abs(t),
        "jensen_shannon": float(np.log(2)) if apart else 0.0,
        "kullback_leibler": float("inf") if apart else 0.0,
        "total_variation": 1.0 if apart else 0.0,
    }
