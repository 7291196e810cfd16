"""Whether a generator repeats its training images: a test by nearest neighbours that asks no critic.

A generated image has a nearest neighbour among the training images and the held-out ones together. If nothing was
learnt by heart, whether that neighbour is a training image is chance, as large as the training images' share: the two
were drawn alike, and the generator knows of no difference. That holds for blurred images and for collapsed ones too,
which a comparison of distances (Meehan et al. 2020, "A non-parametric test to detect data-copying", whose C_T asks
whether fakes lie nearer to training images than held-out ones do) takes for copies, being near to everything.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ganache.evaluation.metrics.coverage import nearest
from ganache.evaluation.metrics.estimates import Estimate


@dataclass(frozen=True)
class Copying:
    """What the test says."""

    share: Estimate
    """Of the generated images, how many more than by chance are nearest to training images: 1 for all of them, 0 for
    what chance has, -1 where all are nearest to held-out ones."""
    p_value: float
    """How probable so large a share is where nothing was learnt by heart."""


def copying(fake: Tensor, training: Tensor, held_out: Tensor) -> Copying:
    """The test, on features [N, F], [T, F] and [H, F].

    With c_i the number of fakes whose nearest neighbour is image i of the T + H, the statistic is the sum of c over
    the training images. Under exchange of the labels it has the mean and variance of a sample without replacement,
    and for so many it is normal.
    """
    from scipy.stats import norm

    pool = torch.cat([training, held_out])
    _, which = nearest(fake, pool)
    counts = torch.bincount(which, minlength=len(pool)).double()  # c, [T + H]
    t, h = len(training), len(held_out)
    chance = t / (t + h)
    by_chance = (t * h / (t + h) * counts.var()).sqrt().clamp(min=1e-9)  # the statistic's standard deviation
    excess = counts[:t].sum() - chance * len(fake)
    room = len(fake) * (1 - chance if excess > 0 else chance)  # the most that it can be
    return Copying(Estimate(float(excess / room), float(by_chance / room)), float(norm.sf(excess / by_chance)))
