"""A test for memorisation: does a generator copy its training images? It uses nearest neighbours, not the critic.

The nearest neighbour of a generated image among training and held-out images together is, without memorisation, a
training image with a probability equal to the training images' share: both sets come from the same distribution, and
the generator's training did not distinguish them. This also holds for blurred and for collapsed generators. A
comparison of distances fails there: Meehan et al. 2020, "A non-parametric test to detect data-copying", test with C_T
whether fakes are nearer to training images than held-out images are, and blurred images are near to all images.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganache.evaluation.metrics.estimates import Estimate
from ganache.evaluation.metrics.precision_recall import nearest_neighbours


@dataclass(frozen=True)
class MemorisationTest:
    """The result of the test."""

    share: Estimate
    """Excess share of generated images whose nearest neighbour is a training image: 1 if all are, 0 if as many are as
    expected by chance, -1 if all are nearest to held-out images."""
    p_value: float
    """Probability of at least this share without memorisation."""


def memorisation_test(fake: Tensor, training: Tensor, held_out: Tensor) -> MemorisationTest:
    """Test features fake [N, F] against training [T, F] and held_out [H, F].

    Let c_i be the number of fakes whose nearest neighbour is image i of the T + H. The statistic is the sum of c over
    the training images. If the labels "training" and "held out" are exchangeable, it has the mean and variance of a
    sample without replacement, and is approximately normal for large T and H.
    """
    from scipy.stats import norm

    pool = torch.cat([training, held_out])
    _, indices = nearest_neighbours(fake, pool)
    counts = torch.bincount(indices, minlength=len(pool)).double()  # c, [T + H]
    t, h = len(training), len(held_out)
    chance = t / (t + h)
    std = (t * h / (t + h) * counts.var()).sqrt().clamp(min=1e-9)  # of the statistic
    excess = counts[:t].sum() - chance * len(fake)
    max_excess = len(fake) * (1 - chance if excess > 0 else chance)
    share = Estimate(float(excess / max_excess), float(std / max_excess))
    return MemorisationTest(share, float(norm.sf(excess / std)))
