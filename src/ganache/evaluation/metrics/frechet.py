"""The Frechet distance of features from their moments, its error, and its value for endlessly many samples.

    d(a, b) = |mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))       (Dowson & Landau 1982; Heusel et al. 2017)

From n samples it comes out too large by about a constant over n, so numbers of different n do not compare. Both sets
are cut into ten blocks; leaving one out at a time gives the error, growing shares of the blocks the extrapolation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganache.evaluation.metrics.estimates import Estimate

BLOCKS = 10
CHUNK = 4096


@dataclass(frozen=True)
class Moments:
    """Mean [F] and covariance [F, F], float64."""

    mean: Tensor
    covariance: Tensor


@dataclass(frozen=True)
class Sums:
    """What the moments of blocks of features, and of any of them together, follow from."""

    counts: Tensor
    """[blocks]"""
    sums: Tensor
    """[blocks, F], of features less `origin`."""
    squares: Tensor
    """[blocks, F, F], sums of outer products, less `origin` too."""
    origin: Tensor
    """[F]"""

    @classmethod
    def of(cls, features: Tensor, blocks: int = BLOCKS) -> Sums:
        """Of features [N, F] cut into blocks in their order, which should mean nothing."""
        origin = features.double().mean(dim=0)
        counts, sums, squares = [], [], []
        for block in features.tensor_split(blocks):
            parts: tuple[Tensor, ...] = block.split(CHUNK)  # type: ignore[no-untyped-call]
            shifted = [part.double() - origin for part in parts]
            counts.append(len(block))
            sums.append(torch.stack([part.sum(dim=0) for part in shifted]).sum(dim=0))
            squares.append(torch.stack([part.T @ part for part in shifted]).sum(dim=0))
        return cls(torch.tensor(counts).double(), torch.stack(sums), torch.stack(squares), origin)

    def moments(self, chosen: Sequence[int] | slice = slice(None)) -> Moments:
        """Of the chosen blocks together."""
        n, mean = self.counts[chosen].sum(), self.sums[chosen].sum(dim=0) / self.counts[chosen].sum()
        covariance = (self.squares[chosen].sum(dim=0) - n * torch.outer(mean, mean)) / (n - 1)
        return Moments(self.origin + mean, covariance)


def between(a: Moments, b: Moments) -> float:
    """The distance, by symmetric matrices only: (C_a C_b)^(1/2) has the trace of (R C_b R)^(1/2), R the root of C_a."""
    values, vectors = torch.linalg.eigh(a.covariance)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    shared = torch.linalg.eigvalsh(root @ b.covariance @ root).clamp(min=0).sqrt().sum()
    apart = (a.mean - b.mean).square().sum()
    return float(apart + a.covariance.trace() + b.covariance.trace() - 2 * shared)


def error_and_limit(real: Tensor, fake: Tensor) -> tuple[float, Estimate]:
    """(the standard error of the distance between features [N, F] and [M, F], the distance without end).

    The error is the delete-one-block jackknife's. The limit is the intercept of a straight line through the distances
    of 5/10, 6/10, ... of the samples over the inverse of that share (Chong & Forsyth 2020, "Effectively unbiased FID
    and Inception score", section 3). They let the fakes grow alone; here the real ones grow with them, so that the
    excess of both goes. Its error has the line's added. With hardly more samples than features the line is a curve.
    """
    of_real, of_fake = Sums.of(real), Sums.of(fake)

    def distance(blocks: Sequence[int]) -> float:
        return between(of_real.moments(blocks), of_fake.moments(blocks))

    left_out = torch.tensor([distance([b for b in range(BLOCKS) if b != out]) for out in range(BLOCKS)])
    error = float(((BLOCKS - 1) * left_out.var(correction=0)).sqrt())
    sizes = list(range(BLOCKS // 2, BLOCKS + 1))
    means = {BLOCKS - 1: float(left_out.mean()), BLOCKS: distance(range(BLOCKS))}
    for size in sizes[:-2]:
        means[size] = (distance(range(size)) + distance(range(BLOCKS - size, BLOCKS))) / 2
    intercept, of_line = line([BLOCKS / size for size in sizes], [means[size] for size in sizes])
    return error, Estimate(intercept, (error**2 + of_line**2) ** 0.5)


def line(x: Sequence[float], y: Sequence[float]) -> Estimate:
    """The value at 0 of the least-squares line through points (x, y), and its standard error by the residuals."""
    along, values = (torch.tensor(each, dtype=torch.float64) for each in (x, y))
    design = torch.stack([torch.ones_like(along), along], dim=1)
    inverse = torch.linalg.inv(design.T @ design)
    fit = inverse @ design.T @ values
    variance = (values - design @ fit).square().sum() / (len(x) - 2)
    return Estimate(float(fit[0]), float((variance * inverse[0, 0]).sqrt()))
