"""Mirrored images are told from their originals where they differ, as writing does."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganache.core.images import as_x
from ganache.data import load
from ganache.evaluation.features.perceptual import PerceptualFeatures
from ganache.evaluation.mirror import ALIKE, DIFFERENT, describe_mirror, mirror_auc, separability


def test_writing_knows_left_from_right_and_mirrored_at_random_it_does_not() -> None:
    pytest.importorskip("sklearn")
    digits, features = as_x(load("digits").images[:120]), PerceptualFeatures((1, 8, 8))
    differences = features(digits) - features(digits.flip(3))
    assert separability(differences) > 0.7
    assert 0.3 < separability(differences * torch.tensor([-1.0, 1.0]).repeat(60)[:, None]) < 0.65
    assert separability(torch.zeros(20, 3)) == 0.5


@pytest.mark.slow
def test_digits_know_left_from_right_and_faces_do_not(mnist_folder: Path, anime_faces: Path) -> None:
    assert (mirror_auc(load(str(mnist_folder))) or 0) > DIFFERENT
    assert (mirror_auc(load(str(anime_faces), size=(64, 64))) or 1) < ALIKE


def test_few_images_and_points_are_not_judged() -> None:
    assert mirror_auc(load("ring8", count=300)) is None
    assert mirror_auc(load("faces", count=100, size=(16, 16))) is None
    assert describe_mirror(None) == ""


@pytest.mark.parametrize(("found", "said"), [(0.9, "--data.flip False"), (0.6, "--data.flip True"), (0.8, "look at")])
def test_what_is_said(found: float, said: str) -> None:
    assert said in describe_mirror(found)
