"""Anime-like faces, drawn by the program itself from a seed: a data set that needs no download.

Each face is a pure function of (seed, number), so that any number of them is drawn piece by piece in flat
memory, with the same pixels on every machine; and each is made of known factors (`Factors`), so that one can
draw the face one wants, or ask a trained generator which factor a latent dimension moves.
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
"""[N, H, W, 3], red, green, blue in 0..255."""

PIXELS_AT_ONCE = 64 * 64 * 16
"""How many pixels are drawn together: few enough for the processor's cache, enough to hide Python's cost."""

CLOSENESS = 1.1
"""How large the figure is at zoom 1: the hair just leaves the picture."""


def draw(count: int, seed: int = 0, size: tuple[int, int] = (64, 64)) -> Images:
    """The first `count` faces of a seed, uint8 [count, H, W, 3], for size (H, W).

    >>> draw(2).shape
    (2, 64, 64, 3)
    """
    return draw_range(0, count, seed, size)


def draw_range(start: int, stop: int, seed: int = 0, size: tuple[int, int] = (64, 64)) -> Images:
    """Faces start, ..., stop - 1 of a seed, uint8 [stop - start, H, W, 3]: a large set, piece by piece.

    >>> bool((draw_range(3, 5, size=(16, 16)) == draw(5, size=(16, 16))[3:]).all())
    True
    """
    return draw_factors(sample_factors(start, stop, seed), size)


def draw_factors(factors: Factors, size: tuple[int, int] = (64, 64)) -> Images:
    """The faces that have these factors, uint8 [N, H, W, 3], for size (H, W).

    Raises ConfigError when a side has no pixel.
    """
    height, width = size
    if height < 1 or width < 1:
        raise ConfigError(f"Got the picture size {height} x {width}: both sides need at least 1 pixel.")
    images = np.empty((len(factors), height, width, 3), np.uint8)
    batch = max(1, PIXELS_AT_ONCE // (height * width))

    def paint(start: int) -> None:
        part = slice(start, start + batch)
        images[part] = _draw_batch(factors[part], height, width)

    # numpy lets go of Python's lock while it computes, so threads help; each paints its own images.
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        list(pool.map(paint, range(0, len(factors), batch)))
    return images


def _draw_batch(factors: Factors, height: int, width: int) -> Images:
    """B faces, uint8 [B, H, W, 3], painted from the back to the front."""
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
    """The brush of the upright body, and that of the head, tilted about the chin."""
    height, width = canvas.shape[2:]
    half = min(height, width) / 2
    x = ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / half)[None, None, :]
    y = ((np.arange(height, dtype=np.float32) + 0.5 - height / 2) / half)[None, :, None]
    x, y = np.broadcast_arrays(x - f["shift_x"], y - f["shift_y"])
    zoom = CLOSENESS * f["zoom"]
    x, y, pixel = x / zoom, y / zoom, np.float32(1 / half) / zoom

    angle = np.radians(f["tilt"].astype(np.float64))
    cos, sin = column(np.cos(angle)[:, 0, 0]), column(np.sin(angle)[:, 0, 0])
    pivot = np.float32(0.6)
    turned_x = cos * x + sin * (y - pivot)
    turned_y = cos * (y - pivot) - sin * x + pivot
    return Brush(canvas, x, y, pixel), Brush(canvas, turned_x, turned_y, pixel)
