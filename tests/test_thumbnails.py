"""Thumbnail metrics, against closed forms and naive implementations."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganache.evaluation.metrics.thumbnails import (
    auc,
    copy_share,
    coverage_and_precision,
    mean_tone,
    nearest_distance_ratio,
    pairwise_distance_ratio,
    thumbnails,
)


def cloud(n: int, seed: int = 0, features: int = 8) -> Tensor:
    return torch.randn(n, features, generator=torch.Generator().manual_seed(seed))


def test_the_pairwise_distance_ratio_is_proportional_to_the_spread() -> None:
    real = cloud(60)
    assert pairwise_distance_ratio(real, real + 3) == pytest.approx(1, rel=1e-5)
    assert pairwise_distance_ratio(real, 0.25 * real) == pytest.approx(0.25, rel=1e-5)
    assert pairwise_distance_ratio(real, real[:1].expand(20, -1)) == 0
    assert pairwise_distance_ratio(real[:1].expand(20, -1), real) == 1, "data of one picture: nothing is missing"


def test_the_nearest_distance_ratio_detects_repetition() -> None:
    real = cloud(64)
    few = real[:4].repeat(16, 1) + 1e-3 * cloud(64, 1)
    assert pairwise_distance_ratio(real, few) > 0.7
    assert nearest_distance_ratio(real, few) < 0.01
    assert nearest_distance_ratio(real, 0.5 * real) == pytest.approx(0.5, rel=1e-4)


def test_coverage_equals_a_naive_implementation() -> None:
    real, fake = cloud(30, 0, 2), cloud(40, 1, 2) + 2
    reach = [sorted(float((a - b).norm()) for b in real)[5] for a in real]  # the first is oneself
    inside = [[float((a - b).norm()) <= r for b in fake] for a, r in zip(real, reach, strict=True)]
    of_real = sum(any(row) for row in inside) / 30
    of_fake = sum(any(column) for column in zip(*inside, strict=True)) / 40
    assert coverage_and_precision(real, fake) == (pytest.approx(of_real), pytest.approx(of_fake))
    assert 0 < of_real < 1
    assert 0 < of_fake < 1


def test_a_missing_mode_is_not_covered() -> None:
    left, right = cloud(40) - 20, cloud(40, 1) + 20
    share, plausible = coverage_and_precision(torch.cat([left, right]), left + 0.01)
    assert share == pytest.approx(0.5, abs=0.02)
    assert plausible == 1


def test_copies_are_detected_and_new_images_are_not() -> None:
    training = cloud(300, features=48)
    assert copy_share(training, training[::3] + 1e-3 * cloud(100, 1, 48)) == 1
    assert copy_share(training, cloud(100, 2, 48)) == 0
    half = torch.cat([training[:50], cloud(50, 3, 48)])
    assert copy_share(training, half) == 0.5
    assert copy_share(torch.cat([training, training]), half) == 0.5, "twins in the data hide no copy"


def test_a_blurred_mean_is_not_a_copy() -> None:
    training = cloud(300, features=48)
    assert copy_share(training, training.mean(dim=0) + 0.1 * cloud(50, 1, 48)) == 0


def test_the_tone_of_known_images() -> None:
    black, white = -torch.ones(2, 3, 4, 4), torch.ones(2, 3, 4, 4)
    assert (mean_tone(black).brightness, mean_tone(white).brightness) == (0, 1)
    halves = torch.cat([black, white], dim=3)
    assert mean_tone(halves).contrast == pytest.approx((32 / 31 * 0.25) ** 0.5, rel=1e-5)
    assert mean_tone(halves).colour == 0
    red = torch.tensor([1.0, -1.0, -1.0]).reshape(1, 3, 1, 1).expand(2, 3, 4, 4)
    assert mean_tone(red).colour == pytest.approx((2 / 9) ** 0.5, rel=1e-5)
    assert mean_tone(red).contrast == pytest.approx(0, abs=1e-6)


def test_auc_is_the_share_of_ordered_pairs() -> None:
    of_real, of_fake = torch.tensor([1.0, 2.0, 2.0]), torch.tensor([0.0, 2.0, 3.0, -1.0])
    pairs = [(a > b) + 0.5 * (a == b) for a in of_real.tolist() for b in of_fake.tolist()]
    assert auc(of_real, of_fake) == pytest.approx(sum(pairs) / len(pairs))
    assert auc(of_real + 9, of_fake) == 1


def test_thumbnails_are_small_and_points_stay() -> None:
    assert thumbnails(torch.zeros(2, 3, 64, 48)).shape == (2, 3 * 16 * 16)
    assert thumbnails(torch.zeros(2, 1, 8, 12)).shape == (2, 8 * 12)
    assert thumbnails(torch.zeros(5, 2)).shape == (5, 2)
