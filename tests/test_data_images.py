"""uint8 <-> [-1, 1], fitting geometry and grids."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ganache.core.images import crop_box, pad_box, tile, to_float, to_uint8

IMAGES = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=4, max_dims=4, max_side=6))
SIDES = st.tuples(st.integers(1, 500), st.integers(1, 500))


@given(IMAGES)
def test_to_float_and_to_uint8_are_inverse(images: np.ndarray) -> None:
    x = to_float(images)
    assert x.dtype == torch.float32
    assert x.min() >= -1
    assert x.max() <= 1
    assert (to_uint8(x).numpy() == images).all()


def test_to_uint8_rounds_to_the_nearest_and_clamps() -> None:
    values = torch.linspace(-1.5, 1.5, 1001, dtype=torch.float64)
    pixels = to_uint8(values.reshape(1, 1, 1, -1)).flatten().double()
    ideal = ((values + 1) * 127.5).clamp(0, 255)
    assert (pixels - ideal).abs().max() <= 0.5 + 1e-4


def test_to_float_does_not_change_its_input() -> None:
    images = np.full((1, 2, 2, 3), 7, dtype=np.uint8)
    images.flags.writeable = False
    to_float(images)
    assert (images == 7).all()


@given(IMAGES, st.integers(1, 5), st.integers(0, 3))
def test_every_image_is_at_its_position_in_the_grid(images: np.ndarray, columns: int, pad: int) -> None:
    n, height, width, _ = images.shape
    grid = tile(images, columns, pad=pad, background=9)
    outside = np.ones(grid.shape[:2], dtype=bool)
    for i in range(n):
        top = pad + (i // columns) * (height + pad)
        left = pad + (i % columns) * (width + pad)
        assert (grid[top : top + height, left : left + width] == images[i]).all()
        outside[top : top + height, left : left + width] = False
    assert (grid[outside] == 9).all()
    assert grid.shape[1] == columns * (width + pad) + pad


def test_the_default_grid_is_nearly_square() -> None:
    assert tile(np.zeros((16, 4, 4, 3), np.uint8), pad=0).shape == (16, 16, 3)
    with pytest.raises(ValueError, match="at least one"):
        tile(np.zeros((0, 4, 4, 3), np.uint8))


@given(SIDES, SIDES)
def test_a_crop_is_centred_and_the_largest_of_its_shape(found: tuple[int, int], wanted: tuple[int, int]) -> None:
    left, top, right, bottom = crop_box(found, wanted)
    height, width = bottom - top, right - left
    assert 0 <= left < right <= found[1]
    assert 0 <= top < bottom <= found[0]
    assert height == found[0] or width == found[1]
    assert abs((found[1] - right) - left) <= 1
    assert abs((found[0] - bottom) - top) <= 1
    # The aspect ratio is right to within one pixel, because of rounding.
    assert abs(height * wanted[1] - width * wanted[0]) <= max(wanted)


@given(SIDES, SIDES)
def test_padding_keeps_the_aspect_ratio_and_fills_one_side(found: tuple[int, int], wanted: tuple[int, int]) -> None:
    left, top, right, bottom = pad_box(found, wanted)
    height, width = bottom - top, right - left
    assert 0 <= left < right <= wanted[1]
    assert 0 <= top < bottom <= wanted[0]
    assert height == wanted[0] or width == wanted[1]
    assert abs(height * found[1] - width * found[0]) <= max(found)
