"""InfoGAN's categorical code against labels: the best assignment is found, and its accuracy is right."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from ganache.evaluation.metrics.codes import match_codes_to_classes


def test_a_permuted_label_has_accuracy_one() -> None:
    labels = np.arange(100) % 10
    permutation = np.random.default_rng(0).permutation(10)
    accuracy, classes = match_codes_to_classes(permutation[labels], labels)
    assert accuracy == 1
    assert all(classes[int(permutation[label])] == label for label in range(10))


def test_the_assignment_is_the_best_of_all() -> None:
    random = np.random.default_rng(1)
    codes, labels = random.integers(0, 4, 60), random.integers(0, 4, 60)
    best = max(np.mean(np.array(order)[codes] == labels) for order in permutations(range(4)))
    assert match_codes_to_classes(codes, labels)[0] == pytest.approx(best)


def test_a_constant_code_has_the_accuracy_of_the_largest_class() -> None:
    labels = np.array([0] * 7 + [1] * 3)
    assert match_codes_to_classes(np.full(10, 5), labels) == (0.7, {5: 0})
