"""Whether generated images differ from each other: structural similarity of pairs, classes and their entropy."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ganache.evaluation.metrics.estimates import Estimate, mean_of

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of the scales, finest first: Wang et al. 2003, "Multi-scale structural similarity for image quality assessment"."""

LEAST_SIDE = 16
CHUNK = 64
RESAMPLED = 500
LEAST_SHARE = 0.25


def dissimilarity(x: Tensor, pairs: int = 1000, seed: int = 0) -> Estimate:
    """1 - MS-SSIM, the mean over random pairs of images x uint8 [N, C, H, W]; 0 where all are alike.

    Odena et al. 2017, "Conditional image synthesis with auxiliary classifier GANs", where a high similarity
    within a class tells its collapse. Five scales need 176 pixels; smaller images take the finer ones, with weights
    that sum to 1 again.
    """
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as similarity

    generator = torch.Generator().manual_seed(seed)
    first = torch.randint(len(x), (pairs,), generator=generator)
    second = (first + torch.randint(1, len(x), (pairs,), generator=generator)) % len(x)
    chosen = torch.tensor(WEIGHTS[: scales(min(x.shape[2:]))]).double()
    weights = tuple((chosen / chosen.sum()).tolist())
    parts = []
    for start in range(0, pairs, CHUNK):
        a, b = (x[index[start : start + CHUNK]].float() for index in (first, second))
        parts.append(similarity(a, b, data_range=255.0, betas=weights, reduction="none"))
    return mean_of(1 - torch.cat(parts))


def scales(side: int) -> int:
    """How many scales images of that least side have room for: torchmetrics wants side / (scales - 1)^2 over 10.

    >>> [scales(side) for side in (16, 32, 64, 128, 256)]
    [2, 2, 3, 4, 5]
    """
    return max(s for s in range(2, len(WEIGHTS) + 1) if side // (s - 1) ** 2 > 10)


def classes_reached(y: Tensor, real: Tensor, classes: int, seed: int = 0) -> tuple[Estimate, Estimate]:
    """(how many of the classes the labels y [N] reach, the entropy of their shares in bits).

    A class counts as reached from a quarter of its share in the labels `real` [M] on: a classifier errs, and its errors
    are no modes. Errors are standard deviations over bootstrap resamples of y.
    """
    least = LEAST_SHARE * torch.bincount(real, minlength=classes).numpy() / len(real)
    counts = torch.bincount(y, minlength=classes).numpy()
    drawn = np.random.default_rng(seed).multinomial(len(y), counts / len(y), size=RESAMPLED)
    shares = [counts / len(y), *(drawn / len(y))]
    reached = np.array([((each > least) & (least > 0)).sum() for each in shares])
    bits = np.array([entropy(each) for each in shares])
    return (
        Estimate(float(reached[0]), float(reached[1:].std())),
        Estimate(float(bits[0]), float(bits[1:].std())),
    )


def entropy(shares: np.ndarray) -> float:
    """Of a distribution [K], in bits.

    >>> entropy(np.array([0.25, 0.25, 0.5, 0.0]))
    1.5
    """
    there = shares[shares > 0]
    return float(-(there * np.log2(there)).sum() + 0.0)
