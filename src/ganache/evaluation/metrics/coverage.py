"""Fidelity and variety apart: precision, recall, density, coverage, from nearest neighbours among features.

Each is a mean over samples, and its error is that mean's: the balls around the samples are taken as they are.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganache.evaluation.metrics.estimates import Estimate, mean_of

CHUNK = 1024
"""Rows of a table of distances at a time."""

NEIGHBOURS = 5
"""k of Naeem et al. 2020."""


def distances(a: Tensor, b: Tensor) -> Iterator[tuple[int, Tensor]]:
    """(first row, Euclidean distances [n, len(b)]) for n rows of a [N, F] at a time."""
    origin = b.mean(dim=0)  # near it float32 loses least
    b = b - origin
    for start in range(0, len(a), CHUNK):
        yield start, torch.cdist(a[start : start + CHUNK] - origin, b)


def radii(h: Tensor, k: int = NEIGHBOURS) -> Tensor:
    """The distance of each feature [N, F] to its k-th nearest among the others, [N]."""
    found = []
    for start, rows in distances(h, h):
        rows[torch.arange(len(rows)), torch.arange(start, start + len(rows))] = torch.inf
        found.append(rows.topk(k, dim=1, largest=False).values[:, -1])  # ten times as fast as kthvalue
    return torch.cat(found)


def nearest(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """(distance, position) in b [M, F] of the feature nearest to each of a [N, F], both [N]."""
    found = [rows.min(dim=1) for _, rows in distances(a, b)]
    return torch.cat([each.values for each in found]), torch.cat([each.indices for each in found])


def precision_recall_density_coverage(real: Tensor, fake: Tensor, k: int = NEIGHBOURS) -> dict[str, Estimate]:
    """Of features [N, F] and [M, F]; give as many fakes as real ones, for the radii shrink with their number.

    A ball around a sample reaches to its k-th neighbour. Precision: the share of fakes in the ball of any real one;
    recall: the share of real ones in the ball of any fake (Kynkaanniemi et al. 2019, "Improved precision and recall
    metric for assessing generative models"). Density: how many real balls a fake is in, over k, 1 for as dense as the
    real ones; coverage: the share of real balls with a fake in them (Naeem et al. 2020, "Reliable fidelity and
    diversity metrics for generative models").
    """
    around_real, around_fake = radii(real, k), radii(fake, k)
    density = []
    recalled, covered = torch.zeros(len(real), dtype=torch.bool), torch.zeros(len(real), dtype=torch.bool)
    for start, rows in distances(fake, real):
        inside = rows <= around_real
        density.append(inside.sum(dim=1) / k)
        covered |= inside.any(dim=0)
        recalled |= (rows <= around_fake[start : start + len(rows), None]).any(dim=0)
    balls = torch.cat(density)
    return {
        "precision": mean_of(balls > 0),
        "recall": mean_of(recalled),
        "density": mean_of(balls),
        "coverage": mean_of(covered),
    }
