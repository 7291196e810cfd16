"""The Frechet distance between features: its value from moments, its standard error, and its infinite-sample limit.

    d(a, b) = |mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2))       (Dowson & Landau 1982; Heusel et al. 2017)

The estimate from n samples is biased upwards by about a constant over n, so estimates with different n are not
comparable. Both sets are split into ten blocks: leaving out one block at a time gives the standard error, and using
growing numbers of blocks gives the extrapolation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganache.core.cores import map_on_cores
from ganache.evaluation.metrics.estimates import Estimate

BLOCKS = 10
Blocks = tuple[int, ...]
ALL: Blocks = tuple(range(BLOCKS))
LEFT_OUT = [tuple(block for block in ALL if block != out) for out in ALL]
"""All blocks but one, for the jackknife."""

CHUNK = 4096
"""Samples that are converted to float64 at a time."""


@dataclass(frozen=True)
class Moments:
    """Mean and covariance of features, float64. One of `covariance` and `root` is known."""

    mean: Tensor
    """[F]"""
    covariance: Tensor | None
    """[F, F]"""
    root: Tensor | None = None
    """A matrix R [F, N] with R R' = covariance: the centred samples themselves, if they are fewer than features."""

    @property
    def variance(self) -> Tensor:
        """The sum of the variances, a scalar."""
        if self.covariance is None:
            assert self.root is not None
            return self.root.square().sum()
        return self.covariance.trace()


@dataclass(frozen=True)
class BlockMoments:
    """Sums over blocks of features, from which the moments of any union of blocks follow."""

    counts: Tensor
    """Samples per block, [blocks]."""
    sums: Tensor
    """Sums of features minus `origin`, [blocks, F]."""
    squares: Tensor | None
    """Sums of outer products of features minus `origin`, [blocks, F, F]; None if there are `samples`."""
    origin: Tensor
    """The mean of all features, [F]; subtracted to avoid cancellation."""
    samples: Sequence[Tensor]
    """The features minus `origin` of each block, if there are fewer of them than features; else empty."""

    @classmethod
    def from_features(cls, features: Tensor, blocks: int = BLOCKS) -> BlockMoments:
        """Split features [N, F] into contiguous blocks; their order should be random."""
        origin = features.double().mean(dim=0)
        are_few = len(features) < features.shape[1]
        counts, sums, squares, samples = [], [], [], []
        for block in features.tensor_split(blocks):
            parts: tuple[Tensor, ...] = block.split(CHUNK)  # type: ignore[no-untyped-call]
            shifted = [part.double() - origin for part in parts]
            counts.append(len(block))
            sums.append(torch.stack([part.sum(dim=0) for part in shifted]).sum(dim=0))
            if are_few:
                samples.append(torch.cat(shifted))
            else:
                squares.append(torch.stack([part.T @ part for part in shifted]).sum(dim=0))
        products = None if are_few else torch.stack(squares)
        return cls(torch.tensor(counts).double(), torch.stack(sums), products, origin, samples)

    def moments(self, blocks: Sequence[int] | None = None) -> Moments:
        """Return the moments of the union of the given blocks; by default of all."""
        blocks = list(range(len(self.counts)) if blocks is None else blocks)
        n, mean = self.counts[blocks].sum(), self.sums[blocks].sum(dim=0) / self.counts[blocks].sum()
        if self.squares is None:
            root = (torch.cat([self.samples[block] for block in blocks]) - mean).T / (n - 1).sqrt()
            return Moments(self.origin + mean, None, root)
        covariance = (self.squares[blocks].sum(dim=0) - n * torch.outer(mean, mean)) / (n - 1)
        return Moments(self.origin + mean, covariance)


def frechet_distance(a: Moments, b: Moments) -> float:
    """Return the Frechet distance of two Gaussians with these moments.

    tr (C_a C_b)^(1/2) is computed as tr (R' C_b R)^(1/2) with C_a = R R', a symmetric matrix of the same eigenvalues,
    which is small if R is made of few samples.
    """
    if a.covariance is None:
        a, b = b, a
    if a.covariance is None:
        assert a.root is not None
        assert b.root is not None
        shared = torch.linalg.svdvals(a.root.T @ b.root).sum()
    else:
        root = b.root if b.covariance is None else square_root(b.covariance)
        assert root is not None
        shared = torch.linalg.eigvalsh(root.T @ a.covariance @ root).clamp(min=0).sqrt().sum()
    return float((a.mean - b.mean).square().sum() + a.variance + b.variance - 2 * shared)


def square_root(covariance: Tensor) -> Tensor:
    """Return a matrix R with R R' = covariance [F, F]: a Cholesky factor, or from eigenvalues if it is singular."""
    root: Tensor
    root, failed = torch.linalg.cholesky_ex(covariance)
    if failed:
        values, vectors = torch.linalg.eigh(covariance)
        root = vectors * values.clamp(min=0).sqrt()
    return root


class BlockPair:
    """Features of real [N, F] and of generated images [M, F] in blocks; each distance is computed once."""

    def __init__(self, real: Tensor, fake: Tensor) -> None:
        self.real, self.fake = BlockMoments.from_features(real), BlockMoments.from_features(fake)
        self.spread = float(self.real.moments().variance) or 1.0
        self.known: dict[Blocks, float] = {}

    def distances(self, subsets: Sequence[Blocks]) -> Tensor:
        """Return the Frechet distance of both sets for each of these subsets of the blocks, float64."""

        def distance(blocks: Blocks) -> float:
            return frechet_distance(self.real.moments(blocks), self.fake.moments(blocks))

        missing = [blocks for blocks in dict.fromkeys(subsets) if blocks not in self.known]
        found = map_on_cores(distance, missing)
        self.known.update(zip(missing, found, strict=True))
        return torch.tensor([self.known[blocks] for blocks in subsets], dtype=torch.float64)


def frechet_estimates(pair: BlockPair) -> tuple[Estimate, Estimate]:
    """Return the Frechet distance of real and generated features, and its limit for infinitely many samples.

    The standard error is that of the delete-one-block jackknife. The limit is the intercept of a line through the
    distances of 5/10, 6/10, ... of the samples against the inverse of that share (Chong & Forsyth 2020, "Effectively
    unbiased FID and Inception score", section 3). The paper grows the set of fakes alone; here the real set grows with
    it, so that the bias of both is removed. The error of the limit includes that of the fit. If N is not much larger
    than F, the relation is not linear, and the limit is imprecise.
    """
    sizes = list(range(BLOCKS // 2, BLOCKS + 1))
    ends = [(ALL[:size], ALL[BLOCKS - size :]) for size in sizes[:-2]]
    distances = pair.distances([ALL, *LEFT_OUT, *sum(ends, ())])
    value, left_out = distances[0], distances[1 : BLOCKS + 1]
    means = [*distances[BLOCKS + 1 :].reshape(-1, 2).mean(dim=1), left_out.mean(), value]
    error = jackknife_error(left_out)
    intercept, fit_error = linear_intercept([BLOCKS / size for size in sizes], [float(mean) for mean in means])
    return Estimate(float(value), error), Estimate(intercept, (error**2 + fit_error**2) ** 0.5)


def layers_distances(pairs: Sequence[BlockPair], subsets: Sequence[Blocks] = (ALL,)) -> Tensor:
    """Return, for each subset, the mean over layers of the Frechet distance relative to the real features' variance.

    Equal sets are at 0, and one real image repeated is at about 2. Shape [len(subsets)], float64.
    """
    return torch.stack([pair.distances(subsets) / pair.spread for pair in pairs]).mean(dim=0)


def layers_estimate(pairs: Sequence[BlockPair]) -> Estimate:
    """Return the mean over layers with its standard error, that of the delete-one-block jackknife."""
    value, *left_out = layers_distances(pairs, [ALL, *LEFT_OUT])
    return Estimate(float(value), jackknife_error(torch.stack(left_out)))


def jackknife_error(left_out: Tensor) -> float:
    """Return the standard error of a score from its values [BLOCKS] with one block left out at a time."""
    return float(((BLOCKS - 1) * left_out.var(correction=0)).sqrt())


def linear_intercept(x: Sequence[float], y: Sequence[float]) -> Estimate:
    """Return the intercept of the least-squares line through points (x, y), with its standard error."""
    inputs, values = (torch.tensor(each, dtype=torch.float64) for each in (x, y))
    design = torch.stack([torch.ones_like(inputs), inputs], dim=1)
    inverse = torch.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ values
    variance = (values - design @ coefficients).square().sum() / (len(x) - 2)
    return Estimate(float(coefficients[0]), float((variance * inverse[0, 0]).sqrt()))
