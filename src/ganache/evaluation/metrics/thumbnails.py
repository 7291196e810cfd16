"""Cheap metrics between real and generated images, on thumbnails: computed in milliseconds at every probe of a run.

Distances are Euclidean, between thumbnails of at most 16x16 pixels or between 2-D points.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

SIDE = 16
"""Longest side of a thumbnail, in pixels."""

NEIGHBOURS = 5
"""k of the k-nearest-neighbour balls: Naeem et al. 2020, section 4.2."""

COPY_RATIO = 1 / 3
"""A generated image is a copy if its nearest training image is three times nearer than the second nearest (Yoon et al.
2023, "Diffusion probabilistic models generalize when they fail to memorize", section 3)."""


def thumbnails(x: Tensor) -> Tensor:
    """Reduce x [N, C, H, W] to thumbnails, as rows [N, F]; points [N, 2] are returned unchanged."""
    if x.ndim == 2:
        return x
    height, width = (min(side, SIDE) for side in x.shape[2:])
    return adaptive_avg_pool2d(x, (height, width)).flatten(1)


def pairwise_distance_ratio(real: Tensor, fake: Tensor) -> float:
    """Return the mean distance between two fakes over that between two reals, rows [N, F]; 0 for a single image."""
    real_mean, fake_mean = (torch.pdist(rows).mean() for rows in (real, fake))
    return ratio(fake_mean, real_mean)


def nearest_distance_ratio(real: Tensor, fake: Tensor) -> float:
    """Return the median distance of a fake to its nearest fake over the same among as many reals, rows [N, F].

    It is near 0 if the generator repeats a few images, however different these few are.
    """
    n = min(len(real), len(fake))
    real_median, fake_median = (distances_within(rows[:n]).min(dim=1).values.median() for rows in (real, fake))
    return ratio(fake_median, real_median)


def coverage_and_precision(real: Tensor, fake: Tensor) -> tuple[float, float]:
    """Return (share of real balls with a fake inside, share of fakes inside a real ball), rows [N, F].

    The ball of a real sample reaches to its 5th nearest real neighbour: coverage (Naeem et al. 2020, "Reliable fidelity
    and diversity metrics for generative models", equation 7) and precision (Kynkaanniemi et al. 2019, equation 2).
    """
    k = min(NEIGHBOURS, len(real) - 1)
    radii = distances_within(real).kthvalue(k, dim=1).values  # [N]
    is_inside = torch.cdist(real, fake) <= radii[:, None]
    return float(is_inside.any(dim=1).float().mean()), float(is_inside.any(dim=0).float().mean())


def copy_share(training: Tensor, fake: Tensor) -> float:
    """Return the share of fakes [M, F] that are copies of a training image [N, F]; see COPY_RATIO.

    Duplicates of the nearest training image within the training set do not count as the second nearest.
    """
    distances = torch.cdist(fake, training)  # [M, N]
    nearest_distance, nearest = distances.min(dim=1)
    distances_of_nearest = torch.cdist(training[nearest], training)
    is_duplicate = distances_of_nearest <= 1e-3 * distances_of_nearest.mean()
    second = distances.masked_fill(is_duplicate, torch.inf).min(dim=1).values
    has_second = second.isfinite()
    if not has_second.any():
        return 1.0
    return float((nearest_distance < COPY_RATIO * second)[has_second].float().mean())


def distances_within(rows: Tensor) -> Tensor:
    """Return the distances [N, N] between rows [N, F], with infinity on the diagonal."""
    return torch.cdist(rows, rows).fill_diagonal_(torch.inf)


def ratio(part: Tensor, whole: Tensor) -> float:
    """Return part / whole; 1 if the whole is 0."""
    return float(part / whole) if whole > 0 else 1.0


@dataclass(frozen=True)
class Tone:
    """Brightness, contrast and colourfulness, each a mean over images."""

    brightness: float
    """0 is black, 1 is white."""
    contrast: float
    """Standard deviation of the brightness within an image."""
    colour: float
    """Standard deviation over the channels of a pixel: 0 for grey."""


def mean_tone(x: Tensor) -> Tone:
    """Return the tone of x [N, C, H, W] in [-1, 1]."""
    unit = (x + 1) / 2
    grey = unit.mean(dim=1)
    colour = unit.std(dim=1, correction=0)
    return Tone(float(grey.mean()), float(grey.flatten(1).std(dim=1).mean()), float(colour.mean()))


def auc(real_scores: Tensor, fake_scores: Tensor) -> float:
    """Return the area under the ROC curve: P(real score > fake score) + P(equal) / 2, for scores [N] and [M]."""
    difference = real_scores[:, None] - fake_scores
    return float((difference > 0).float().mean() + (difference == 0).float().mean() / 2)
