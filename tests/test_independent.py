"""Copies, crops and other sizes of a picture count once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganache.data import load
from ganache.evaluation.independent import Independent, count_independent


def test_copies_and_crops_count_once(cache: Path) -> None:
    faces = load("faces", count=30, size=(64, 64)).images
    crops = [np.asarray(Image.fromarray(face[1:63, 1:63]).resize((64, 64))) for face in faces[:6]]
    data = replace(load("faces", count=50, size=(64, 64)), labels=None)
    data = replace(data, images=np.concatenate([faces, crops, faces[:4]]), fingerprint="some")
    found = count_independent(data.split(0.0), cache)
    assert found is not None
    alone = count_independent(replace(data, images=faces, fingerprint="others").split(0.0), cache)
    assert alone is not None
    assert (found.compared, found.independent) == (40, alone.independent)


@pytest.mark.slow
def test_digits_of_one_class_are_not_the_same_picture(cache: Path) -> None:
    """They are as near to each other as crops of a face are; copies are found nevertheless."""
    digits = load("digits", size=(32, 32)).images[:400]
    data = replace(load("faces", count=50, size=(32, 32)), labels=None)
    with_copies = np.concatenate([digits, digits[:60]])
    found = count_independent(replace(data, images=with_copies, fingerprint="digits").split(0.0), cache)
    assert found is not None
    assert 0.9 * 400 < found.independent <= 400


def test_points_and_small_sets_are_not_counted() -> None:
    assert count_independent(load("ring8", count=300)) is None
    assert count_independent(load("faces", count=9, size=(16, 16))) is None


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Independent(5_000, 5_000, 5_000), "all of 5,000 pictures are independent."),
        (Independent(10_000, 9_000, 20_000), "about 9,000 of a sample of 10,000 are independent; 1,000 show the same"),
        (Independent(500, 400, 500), "--view.augment"),
    ],
)
def test_what_is_said(found: Independent, said: str) -> None:
    assert said in found.describe()
