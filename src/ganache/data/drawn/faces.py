"""Anime-style faces that are drawn from a seed: a data set that needs no download.

Each face is a pure function of (seed, index), so any number of faces can be drawn in blocks with bounded memory, and
the pixels are the same on every machine. Each face is defined by known factors (`Factors`), so one can draw a
particular face, or measure which factor a latent dimension of a trained generator changes.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ganache.data.drawn.brush import Brush, Traits, column, palette
from ganache.data.drawn.factors import FACTORS, FRINGES, Factor, Factors, sample_factors, usual_factors
from ganache.data.drawn.hair import paint_back_hair, paint_buns, paint_front_hair, paint_ribbon, place_fringe
from ganache.data.drawn.parts import paint_background, paint_body, paint_brows, paint_eyes, paint_face, paint_mouth
from ganache.errors import ConfigError

__all__ = [
    "FACTORS",
    "FRINGES",
    "Factor",
    "Factors",
    "draw",
    "draw_factors",
    "draw_range",
    "sample_factors",
    "usual_factors",
]

Images = NDArray[np.uint8]
"""uint8 RGB [N, H, W, 3]."""

PIXELS_PER_BATCH = 64 * 64 * 16
"""Pixels that are drawn together: few enough for the CPU's cache, enough to amortise the overhead of Python."""

SCALE = 1.1
"""Scale of the figure at zoom 1: the hair just reaches beyond the image."""


def draw(count: int, seed: int = 0, size: tuple[int, int] = (64, 64)) -> Images:
    """Return faces 0, ..., count - 1 of a seed, uint8 [count, H, W, 3], for size (H, W).

    >>> draw(2).shape
    (2, 64, 64, 3)
    """
    return draw_range(0, count, seed, size)


def draw_range(start: int, stop: int, seed: int = 0, size: tuple[int, int] = (64, 64)) -> Images:
    """Return faces start, ..., stop - 1 of a seed, uint8 [stop - start, H, W, 3], for size (H, W).

    >>> bool((draw_range(3, 5, size=(16, 16)) == draw(5, size=(16, 16))[3:]).all())
    True
    """
    return draw_factors(sample_factors(start, stop, seed), size)


def draw_factors(factors: Factors, size: tuple[int, int] = (64, 64)) -> Images:
    """Return the faces with these factors, uint8 [N, H, W, 3], for size (H, W).

    Raises ConfigError for a side below 1 pixel.
    """
    height, width = size
    if height < 1 or width < 1:
        raise ConfigError(f"The picture size is {height} x {width}: give at least 1 pixel per side.")
    images = np.empty((len(factors), height, width, 3), np.uint8)
    batch = max(1, PIXELS_PER_BATCH // (height * width))

    def paint(start: int) -> None:
        part = slice(start, start + batch)
        images[part] = _draw_batch(factors[part], height, width)

    # NumPy releases the GIL while it computes, so threads help; each writes its own images.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        list(pool.map(paint, range(0, len(factors), batch)))
    return images


def _draw_batch(factors: Factors, height: int, width: int) -> Images:
    """Return B faces, uint8 [B, H, W, 3], painted from back to front."""
    count = len(factors)
    f = {name: column(values) for name, values in factors.columns()}
    p = palette(factors)
    canvas = np.empty((3, count, height, width), np.float32)
    body, head = _brushes(canvas, f)
    fringe = place_fringe(head, f)

    paint_background(body, p)
    paint_back_hair(head, f, p)
    paint_buns(head.rows(-0.95, -0.38), f, p)
    paint_body(body.rows(0.35, np.inf), p)
    paint_face(head, f, p, fringe)
    paint_mouth(head.rows(0.30, 0.72), f, p)
    paint_eyes(head.rows(-0.25, 0.45), f, p)
    paint_front_hair(head, f, p, fringe)
    paint_brows(head.rows(-0.35, 0.05), f, p)
    paint_ribbon(head.rows(-0.95, -0.25), f, p)
    return np.rint(np.moveaxis(canvas, 0, -1) * 255).astype(np.uint8)


def _brushes(canvas: NDArray[np.float32], f: Traits) -> tuple[Brush, Brush]:
    """Return the brushes of the upright body and of the head, which is rotated about the chin."""
    height, width = canvas.shape[2:]
    half = min(height, width) / 2
    x = ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / half)[None, None, :]
    y = ((np.arange(height, dtype=np.float32) + 0.5 - height / 2) / half)[None, :, None]
    x, y = np.broadcast_arrays(x - f["shift_x"], y - f["shift_y"])
    zoom = SCALE * f["zoom"]
    x, y, pixel = x / zoom, y / zoom, np.float32(1 / half) / zoom

    angle = np.radians(f["tilt"].astype(np.float64))
    cos, sin = column(np.cos(angle)[:, 0, 0]), column(np.sin(angle)[:, 0, 0])
    pivot = np.float32(0.6)
    turned_x = cos * x + sin * (y - pivot)
    turned_y = cos * (y - pivot) - sin * x + pivot
    return Brush(canvas, x, y, pixel), Brush(canvas, turned_x, turned_y, pixel)
