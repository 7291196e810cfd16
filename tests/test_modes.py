"""Mode counting, on samples with known modes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ganache.data import TOYS
from ganache.evaluation.metrics.modes import high_quality_share, mode_shares, modes_covered


@pytest.mark.parametrize("name", ["ring8", "grid25"])
def test_the_toys_themselves_cover_all_their_modes(name: str) -> None:
    toy = TOYS[name]
    assert toy.centres is not None
    assert toy.std is not None
    points, labels = toy.sample(20_000)
    assert labels is not None
    shares = mode_shares(points, toy.centres, toy.std)
    assert modes_covered(points, toy.centres, toy.std) == len(toy.centres)
    expected = 1 - math.exp(-9 / 2)  # of a round Gaussian in the plane, within 3 standard deviations
    assert high_quality_share(points, toy.centres, toy.std) == pytest.approx(expected, abs=0.003)
    assert shares == pytest.approx(expected * np.bincount(labels) / len(labels), abs=0.003)
    some = points[labels < 3]
    assert modes_covered(some, toy.centres, toy.std) == 3


def test_a_mode_counts_from_one_percent_of_its_share() -> None:
    centres = np.array([[0.0, 0.0], [1.0, 0.0]])
    points = np.zeros((1000, 2))
    points[:4] = centres[1]
    assert modes_covered(points, centres, 0.1) == 1  # 500 are due to each, 4 are there, 5 are needed
    points[4] = centres[1] + [0.29, 0.0]
    assert modes_covered(points, centres, 0.1) == 2
    points[4] = centres[1] + [0.31, 0.0]
    assert modes_covered(points, centres, 0.1) == 1
    assert high_quality_share(points, centres, 0.1) == pytest.approx(0.999)


def test_points_with_nan_are_near_no_mode() -> None:
    centres = np.array([[0.0, 0.0]])
    points = np.array([[np.nan, 0.0], [np.inf, 0.0], [0.0, 0.0], [0.0, np.nan]])
    assert mode_shares(points, centres, 0.1).tolist() == [0.25]
