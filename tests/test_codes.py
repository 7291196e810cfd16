"""InfoGAN's code against labels: the best naming is found, and chance is chance."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from ganache.evaluation.metrics.codes import match_codes_to_classes


def test_a_code_that_is_a_renamed_label_is_right_everywhere() -> None:
    labels = np.arange(100) % 10
    renamed = np.random.default_rng(0).permutation(10)
    accuracy, names = match_codes_to_classes(renamed[labels], labels)
    assert accuracy == 1
    assert all(names[int(renamed[kind])] == kind for kind in range(10))


def test_the_matching_is_the_best_of_all() -> None:
    random = np.random.default_rng(1)
    said, labels = random.integers(0, 4, 60), random.integers(0, 4, 60)
    best = max(np.mean(np.array(order)[said] == labels) for order in permutations(range(4)))
    assert match_codes_to_classes(said, labels)[0] == pytest.approx(best)


def test_one_code_for_everything_is_right_for_the_largest_class_only() -> None:
    labels = np.array([0] * 7 + [1] * 3)
    assert match_codes_to_classes(np.full(10, 5), labels) == (0.7, {5: 0})
