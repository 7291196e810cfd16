"""Divergences against closed forms, brute force and known inequalities, infinite values included."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from ganache.functional.divergences import (
    earth_mover,
    histograms,
    jensen_shannon,
    kullback_leibler,
    parallel_lines,
    total_variation,
)

masses = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=6).filter(lambda p: sum(p) > 0.1)


def density(masses: list[float]) -> np.ndarray:
    return np.array(masses) / sum(masses)


def test_two_bernoulli_distributions() -> None:
    p, q = [0.5, 0.5], [0.9, 0.1]
    assert kullback_leibler(p, q) == pytest.approx(0.5 * math.log(0.5 / 0.9) + 0.5 * math.log(0.5 / 0.1))
    middle = 0.7 * math.log(0.7) + 0.3 * math.log(0.3)
    entropies = 0.5 * math.log(0.5) + (0.9 * math.log(0.9) + 0.1 * math.log(0.1)) / 2
    assert jensen_shannon(p, q) == pytest.approx(math.log(0.5) / 2 + entropies - 0.5 * math.log(0.5) - middle)
    assert total_variation(p, q) == pytest.approx(0.4)


def test_disjoint_distributions() -> None:
    p, q = [0.3, 0.7, 0, 0], [0, 0, 0.5, 0.5]
    assert kullback_leibler(p, q) == math.inf
    assert jensen_shannon(p, q) == pytest.approx(math.log(2), rel=1e-12)
    assert total_variation(p, q) == pytest.approx(1)


@given(masses, masses)
def test_inequalities(one: list[float], two: list[float]) -> None:
    length = min(len(one), len(two))
    if min(sum(one[:length]), sum(two[:length])) < 0.1:
        return
    p, q = density(one[:length]), density(two[:length])
    js, tv = jensen_shannon(p, q), total_variation(p, q)
    assert -1e-12 <= js <= math.log(2) + 1e-12
    assert js == pytest.approx(jensen_shannon(q, p), abs=1e-12), "symmetric"
    assert js <= math.log(2) * tv + 1e-12, "Lin 1991, theorem 3"
    assert 2 * tv**2 <= kullback_leibler(p, q) + 1e-12, "Pinsker"
    assert kullback_leibler(p, p) == 0


@pytest.mark.parametrize("bad", [([0.5, 0.6], [0.5, 0.5]), ([-0.5, 1.5], [0.5, 0.5]), ([1.0], [0.5, 0.5])])
def test_invalid_densities_are_refused(bad: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match=r"densit"):
        jensen_shannon(*bad)
    with pytest.raises(ValueError, match=r"densit"):
        total_variation(*bad)


def test_earth_mover_is_the_minimum_over_all_permutations() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(6, 2)), random.normal(size=(6, 2))
    cheapest = min(np.linalg.norm(x - y[list(order)], axis=1).mean() for order in permutations(range(6)))
    assert earth_mover(x, y) == pytest.approx(cheapest, rel=1e-12)


def test_earth_mover_in_one_dimension_equals_scipys() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(50, 1)), random.exponential(size=(50, 1))
    assert earth_mover(x, y) == pytest.approx(wasserstein_distance(x[:, 0], y[:, 0]), rel=1e-12)


def test_earth_mover_of_a_shift_is_its_length() -> None:
    x = np.random.default_rng(2).normal(size=(40, 3))
    assert earth_mover(x, x + np.array([3.0, 0.0, 4.0])) == pytest.approx(5, rel=1e-12)
    with pytest.raises(ValueError, match="as many points"):
        earth_mover(x, x[:-1])


@pytest.mark.parametrize("t", [-1.0, -0.01, 0.0, 0.3, 1.0])
def test_parallel_lines_by_samples_and_by_histograms(t: float) -> None:
    z = (np.arange(400) + 0.5) / 400
    x, y = np.stack([0 * z, z], axis=1), np.stack([t + 0 * z, z], axis=1)
    exact = parallel_lines(t)
    assert earth_mover(x, y) == pytest.approx(exact["earth_mover"], abs=1e-12)
    edges = [np.linspace(-1.0005, 1.0005, 2002), np.linspace(0, 1, 11)]
    p, q = histograms(x, y, edges)
    assert jensen_shannon(p, q) == pytest.approx(exact["jensen_shannon"], abs=1e-12)
    assert total_variation(p, q) == pytest.approx(exact["total_variation"], abs=1e-12)
    assert kullback_leibler(p, q) == exact["kullback_leibler"]


def test_samples_outside_the_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="1 of 2 samples lie outside"):
        histograms(np.array([[0.5], [2.0]]), np.array([[0.5], [0.5]]), [np.array([0.0, 1.0])])
