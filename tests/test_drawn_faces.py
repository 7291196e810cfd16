"""Drawn faces: the same on every machine, and each factor changes the part of the image that it should."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ganache.data.drawn.faces import (
    FACTORS,
    FRINGES,
    Factors,
    draw,
    draw_factors,
    draw_range,
    sample_factors,
    usual_factors,
)
from ganache.data.readers.faces import DRAWING
from ganache.errors import ConfigError

UPRIGHT = {"tilt": 0.0, "shift_x": 0.0, "shift_y": 0.0, "zoom": 1.0}


def with_factors(factors: Factors, **values: Any) -> Factors:
    """Return the same faces with some factors replaced by one number, or by one number per face."""
    return replace(factors, **{name: np.broadcast_to(value, len(factors)) for name, value in values.items()})


def where_changed(name: str, low: float, high: float) -> NDArray[np.bool_]:
    """Return a mask [64, 64] of the pixels that change when one factor of the usual face changes."""
    one, other = draw_factors(with_factors(usual_factors(2), **{name: np.array([low, high])})).astype(int)
    changed: NDArray[np.bool_] = np.abs(one - other).max(axis=-1) > 0
    return changed


def test_the_same_seed_draws_the_same_pixels_and_another_seed_others() -> None:
    assert np.array_equal(draw(20, seed=3), draw(20, seed=3))
    assert not np.array_equal(draw(20, seed=3), draw(20, seed=4))


@pytest.mark.parametrize("size", [(64, 64), (16, 16), (40, 72), (9, 5)])
def test_a_face_does_not_depend_on_its_neighbours(size: tuple[int, int]) -> None:
    together = draw(40, seed=1, size=size)
    assert np.array_equal(draw_range(3, 5, seed=1, size=size), together[3:5])
    assert np.array_equal(draw_range(33, 40, seed=1, size=size), together[33:])
    one_by_one = [draw_range(i, i + 1, seed=1, size=size)[0] for i in range(40)]
    assert np.array_equal(np.stack(one_by_one), together)


def test_the_pixels_are_the_same_on_every_machine() -> None:
    """Three pixels of face 0 as drawn on another machine: hair, eye, background."""
    assert draw(1)[0][[10, 36, 60], [32, 22, 1]].tolist() == [
        [134, 47, 76],
        [130, 117, 38],
        [247, 225, 231],
    ]


def test_other_pixels_need_another_version_in_the_cache_key() -> None:
    """If this fails, faces are drawn differently: change `DRAWING` in `data/readers/faces.py`, then the hash here."""
    pixels = draw(300, size=(20, 33))
    assert hashlib.sha256(pixels.tobytes()).hexdigest().startswith("e3dd2bcbf5ef11ed")
    assert DRAWING.startswith("d7d6ea646581")


def test_a_face_with_a_large_index_is_drawn_immediately() -> None:
    assert draw_range(10**12, 10**12 + 2).shape == (2, 64, 64, 3)


@pytest.mark.parametrize("size", [(32, 96), (96, 32), (1, 1), (128, 128)])
def test_any_size_can_be_drawn(size: tuple[int, int]) -> None:
    images = draw(2, size=size)
    assert images.shape == (2, *size, 3)
    assert images.dtype == np.uint8


def test_a_larger_picture_shows_the_same_face() -> None:
    small = draw(8).astype(float)
    large = draw(8, size=(256, 256)).astype(float).reshape(8, 64, 4, 64, 4, 3).mean(axis=(2, 4))
    assert np.abs(small - large).mean() < 6  # of 255
    strangers = np.abs(small - np.roll(large, 1, axis=0)).mean()
    assert strangers > 30


def test_zero_faces() -> None:
    assert draw(0).shape == (0, 64, 64, 3)


def test_factors_cover_their_ranges() -> None:
    for name, column in sample_factors(0, 5000).columns():
        _, low, high, _ = FACTORS[name]
        assert column.min() >= low, name
        assert column.max() <= high, name
        assert np.ptp(column) > 0.98 * (high - low), name


def test_factors_are_uncorrelated() -> None:
    table = np.stack([column for _, column in sample_factors(0, 5000).columns()])
    correlation = np.corrcoef(table) - np.eye(len(table))
    assert np.abs(correlation).max() < 0.05


@pytest.mark.parametrize("name", FACTORS)
def test_every_factor_changes_the_image(name: str) -> None:
    _, low, high, _ = FACTORS[name]
    if high == 360:  # both ends of a circle are one hue
        high = 180
    if name == "strand_phase":  # so are both ends of a lock's width
        high = 0.5
    assert where_changed(name, low, high).mean() > 0.003


def test_the_mouth_changes_below_the_eyes_only() -> None:
    for name in ("smile", "mouth_openness"):
        changed = where_changed(name, *FACTORS[name][1:3])
        rows, columns = np.nonzero(changed)
        assert rows.min() > 40, name
        assert 20 < columns.min() < columns.max() < 43, name


def test_the_eyes_change_near_the_eyes_only() -> None:
    for name, low, high in (
        ("eye_hue", 20, 250),
        ("gaze", -1, 1),
        ("eye_openness", 0, 1),
        ("eye_size", 0.8, 1.2),
    ):
        rows, columns = np.nonzero(where_changed(name, low, high))
        assert 22 < rows.min() < rows.max() < 48, name
        assert 8 < columns.min() < columns.max() < 55, name
    assert not where_changed("eye_hue", 20, 250)[:, 30:34].any()


def test_the_background_changes_outside_the_head_only() -> None:
    for name, low, high in (("background_hue", 20, 250), ("background_lightness", 0, 1)):
        changed = where_changed(name, low, high)
        assert not changed[8:54, 14:50].any(), name
        assert changed[:3, :3].all(), name


def test_the_hair_has_the_requested_hue_and_lightness() -> None:
    """Measured in a patch of the crown, above the highlight, after conversion from sRGB."""
    chosen = with_factors(sample_factors(0, 400, seed=5), ribbon=0.0, hair_chroma=0.8, **UPRIGHT)
    crown = draw_factors(chosen)[:, 5:9, 27:37].astype(float).mean(axis=(1, 2)) / 255
    lightness = np.corrcoef(crown @ [0.30, 0.59, 0.11], chosen.hair_lightness)[0, 1]
    assert lightness > 0.9
    red, green, blue = crown.T
    seen = np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)
    asked = np.radians(chosen.hair_hue)
    # The mean direction of the differences is 1 long when one hue is the other turned by a constant angle.
    assert np.abs(np.exp(1j * (seen - asked)).mean()) > 0.9


def test_the_fringe_is_one_of_a_few_shapes() -> None:
    fringes = draw_factors(with_factors(usual_factors(4), fringe=np.arange(len(FRINGES)))).astype(int)
    for i in range(4):
        for j in range(i):
            assert np.abs(fringes[i] - fringes[j]).mean() > 2


def test_invalid_factors_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"smile has values from 2\.0 to 2\.0: give -1 to 1"):
        with_factors(usual_factors(2), smile=2.0)
    with pytest.raises(ConfigError, match="give one number per face"):
        replace(usual_factors(2), tilt=np.zeros(3, np.float32))
    with pytest.raises(ConfigError, match="smile"):
        with_factors(usual_factors(2), smile=np.nan)
    with pytest.raises(ConfigError, match="start=2, stop=1"):
        sample_factors(2, 1)
    with pytest.raises(ConfigError, match="at least 1 pixel"):
        draw(1, size=(0, 64))
