"""What can be seen of a generator at a glance: cheap measures between real pictures and fakes, on thumbnails.

They need no network and milliseconds. Distances are Euclidean, between thumbnails of at most 16x16 pixels or between
the points of a 2-D toy.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

SIDE = 16
"""Pixels of a thumbnail's side at most."""

NEIGHBOUR = 5
"""The k of the k-nearest-neighbour balls: Naeem et al. 2020, section 4.2."""

COPY = 1 / 3
"""A picture that is three times nearer to one training picture than to any other is a copy of it: the ratio of
Yoon et al. 2023, "Diffusion probabilistic models generalize when they fail to memorize", section 3."""


def thumbnails(x: Tensor) -> Tensor:
    """x [N, C, H, W] -> its small form as rows [N, F]; points [N, 2] as they are."""
    if x.ndim == 2:
        return x
    height, width = (min(side, SIDE) for side in x.shape[2:])
    return adaptive_avg_pool2d(x, (height, width)).flatten(1)


def variety(real: Tensor, fake: Tensor) -> float:
    """Mean distance between two of the fakes over that between two of the reals, rows [N, F]: 0 is one picture."""
    of_real, of_fake = (torch.pdist(rows).mean() for rows in (real, fake))
    return ratio(of_fake, of_real)


def distinct(real: Tensor, fake: Tensor) -> float:
    """Median distance of a fake to the next most like it, over the same among as many reals; rows [N, F].

    Near 0 where a few pictures come again and again, however unlike each other these few are.
    """
    n = min(len(real), len(fake))
    of_real, of_fake = (among(rows[:n]).min(dim=1).values.median() for rows in (real, fake))
    return ratio(of_fake, of_real)


def coverage(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """(share of reals with a fake within reach, share of fakes within reach of a real), rows [N, F].

    Within reach of a real is what is no farther than its 5th nearest other real: coverage (Naeem et al. 2020,
    "Reliable fidelity and diversity metrics for generative models", equation 7) and precision (Kynkaanniemi et al.
    2019, equation 2).
    """
    k = min(NEIGHBOUR, len(real) - 1)
    reach = among(real).kthvalue(k, dim=1).values  # [N]
    within = torch.cdist(real, fake) <= reach[:, None]
    return float(within.any(dim=1).float().mean()), float(within.any(dim=0).float().mean())


def copied(training: Tensor, fake: Tensor) -> float:
    """Share of the fakes that are copies of a training picture; rows [N, F] and [M, F].

    Twins of the nearest picture within the training set do not count as others.
    """
    to_fake = torch.cdist(fake, training)  # [M, N]
    least, nearest = to_fake.min(dim=1)
    own = torch.cdist(training[nearest], training)
    twin = own <= 1e-3 * own.mean()
    other = to_fake.masked_fill(twin, torch.inf).min(dim=1).values
    return float((least < COPY * other)[other.isfinite()].float().mean()) if other.isfinite().any() else 1.0


def among(rows: Tensor) -> Tensor:
    """Distances [N, N] between rows [N, F], infinite to oneself."""
    return torch.cdist(rows, rows).fill_diagonal_(torch.inf)


def ratio(part: Tensor, whole: Tensor) -> float:
    """part / whole; 1 where the whole is nothing, for then nothing is missing."""
    return float(part / whole) if whole > 0 else 1.0


@dataclass(frozen=True)
class Tone:
    """The pictures' light and colour, each a mean over pictures."""

    brightness: float
    """From 0, black, to 1, white."""
    contrast: float
    """Standard deviation of the brightness within a picture."""
    colour: float
    """Standard deviation over a pixel's channels: 0 for grey."""


def tone(x: Tensor) -> Tone:
    """x [N, C, H, W] in [-1, 1]."""
    light = (x + 1) / 2
    grey = light.mean(dim=1)
    colour = light.std(dim=1, correction=0)
    return Tone(float(grey.mean()), float(grey.flatten(1).std(dim=1).mean()), float(colour.mean()))


def auc(of_real: Tensor, of_fake: Tensor) -> float:
    """How probably a real's score is above a fake's, ties by half; scores [N], [M]. The area under the ROC curve."""
    difference = of_real[:, None] - of_fake
    return float((difference > 0).float().mean() + (difference == 0).float().mean() / 2)
