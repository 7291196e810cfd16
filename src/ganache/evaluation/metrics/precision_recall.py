"""Precision, recall, density and coverage: fidelity and diversity measured apart, by nearest neighbours of features.

Each is a mean over samples; its standard error is that of the mean, with the balls around the samples held fixed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganache.evaluation.metrics.estimates import Estimate, mean_estimate

CHUNK = 1024
"""Rows of the distance matrix that are in memory at a time."""

NEIGHBOURS = 5
"""k of the k-nearest-neighbour balls, as in Naeem et al. 2020."""


def iter_distances(a: Tensor, b: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Yield (first row, Euclidean distances [n, len(b)]) for chunks of n rows of a [N, F]."""
    origin = b.mean(dim=0)  # distances in float32 are most accurate near the origin
    b = b - origin
    for start in range(0, len(a), CHUNK):
        yield start, torch.cdist(a[start : start + CHUNK] - origin, b)


def knn_radii(h: Tensor, k: int = NEIGHBOURS) -> Tensor:
    """Return the distance of each of the features [N, F] to its k-th nearest neighbour among the others, [N]."""
    radii = []
    for start, rows in iter_distances(h, h):
        rows[torch.arange(len(rows)), torch.arange(start, start + len(rows))] = torch.inf
        radii.append(rows.topk(k, dim=1, largest=False).values[:, -1])  # ten times as fast as kthvalue
    return torch.cat(radii)


def nearest_neighbours(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return (distance, index) of the nearest neighbour in b [M, F] of each of a [N, F]; both are [N]."""
    minima = [rows.min(dim=1) for _, rows in iter_distances(a, b)]
    return torch.cat([each.values for each in minima]), torch.cat([each.indices for each in minima])


def precision_recall_density_coverage(real: Tensor, fake: Tensor, k: int = NEIGHBOURS) -> dict[str, Estimate]:
    """Return the four scores for features real [N, F] and fake [M, F].

    Use M = N: the radii shrink as the number of samples grows. The ball of a sample reaches to its k-th nearest
    neighbour in its own set. Precision is the share of fakes inside the ball of any real sample, recall the share of
    real samples inside the ball of any fake (Kynkaanniemi et al. 2019, "Improved precision and recall metric for
    assessing generative models"). Density is the mean number of real balls that contain a fake, divided by k, and 1
    for fakes distributed like the real samples; coverage is the share of real balls that contain a fake (Naeem et al.
    2020, "Reliable fidelity and diversity metrics for generative models").
    """
    real_radii, fake_radii = knn_radii(real, k), knn_radii(fake, k)
    density_parts = []
    is_recalled, is_covered = torch.zeros(len(real), dtype=torch.bool), torch.zeros(len(real), dtype=torch.bool)
    for start, rows in iter_distances(fake, real):
        inside = rows <= real_radii
        density_parts.append(inside.sum(dim=1) / k)
        is_covered |= inside.any(dim=0)
        is_recalled |= (rows <= fake_radii[start : start + len(rows), None]).any(dim=0)
    density = torch.cat(density_parts)
    return {
        "precision": mean_estimate(density > 0),
        "recall": mean_estimate(is_recalled),
        "density": mean_estimate(density),
        "coverage": mean_estimate(is_covered),
    }
