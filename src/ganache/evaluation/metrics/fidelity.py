"""The kernel distance between features, and the Inception score of class logits."""

from __future__ import annotations

import torch
from torch import Tensor

from ganache.evaluation.metrics.estimates import Estimate, mean_estimate
from ganache.evaluation.metrics.kernel import squared_mmd

SUBSET = 1000
"""Samples per subset of the kernel distance, as in Binkowski et al. 2018."""

SPLITS = 10
"""Splits of the Inception score, as in Salimans et al. 2016."""


def kernel_distance(real: Tensor, fake: Tensor, subset: int = SUBSET) -> Estimate:
    """Return the kernel distance (KID) of features [N, F] and [M, F]: the squared maximum mean discrepancy, unbiased.

    The kernel is (x . y / F + 1)^3. The value is a mean over at least two disjoint subsets, and its standard error is
    that of this mean (Binkowski et al. 2018, "Demystifying MMD GANs", section 4). It can be negative.
    """
    n = min(len(real), len(fake))
    size = min(subset, n // 2)
    starts = range(0, n - size + 1, size)
    values = [squared_mmd(*(h[start : start + size].double() for h in (real, fake))) for start in starts]
    return mean_estimate(torch.stack(values))


def inception_score(logits: Tensor, seed: int = 0) -> Estimate:
    """Return the Inception score of class logits [N, K]: exp of the mean of KL(p(class | image) || p(class)).

    It is a mean over 10 splits in random order and lies between 1 and K (Salimans et al. 2016, section 4). It does not
    depend on real images.
    """
    order = torch.randperm(len(logits), generator=torch.Generator().manual_seed(seed))
    splits: tuple[Tensor, ...] = logits.double()[order].log_softmax(dim=1).chunk(SPLITS)  # type: ignore[no-untyped-call]
    scores = [(p.exp() * (p - p.exp().mean(dim=0).log())).sum(dim=1).mean().exp() for p in splits]
    return mean_estimate(torch.stack(scores))
