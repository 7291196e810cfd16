"""Points on the page: each is a picture of its place among the real points and other generated ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from torch import Tensor

from ganache.core.images import Pictures, Pixels
from ganache.core.rendering import Model, render
from ganache.figures.plane import Plane, draw_cloud, one_by_one, segments
from ganache.functional import latents
from ganache.lab.dimension_effects import Effect, heat_maps

CLOUD = 600
"""Generated points that show where the generator puts its points."""
LARGE, SMALL, MAP = 480, 144, 64
"""Sides in pixels of the large picture, of thumbnails, and of the picture of a dimension."""


def pictures(model: Model, z: Tensor, side: int = SMALL) -> Pixels:
    """Return what the page shows of latents z [N, z_dim]: uint8 [N, H, W, C]."""
    return as_shown(model, render(model.generator, z), side)


def as_shown(model: Model, made: Pictures, side: int = SMALL) -> Pixels:
    """Return images as they are, and for points [N, 2] a picture of each among the others."""
    if made.ndim > 2:
        return made
    plane, cloud = background(model, side)
    return one_by_one(cloud, plane, made)


@lru_cache(maxsize=32)
def background(model: Model, side: int) -> tuple[Plane, Pixels]:
    """Return the plane of a model, and the picture of its points and the real ones."""
    points = render(model.generator, latents.samples(model.prior, CLOUD), 512)
    plane = Plane.of(model.real, points)
    return plane, draw_cloud(plane, points, side)


def maps(model: Model, measured: Sequence[Effect]) -> Pixels:
    """Return where each dimension acts, uint8 [N, H, W, 3] on black; for points, how far it moves some of them."""
    if measured[0].where is not None:
        heat: Pixels = heat_maps(measured).numpy()
        return heat
    plane, _ = background(model, SMALL)
    return np.stack([segments(plane, each.examples.numpy(), MAP) for each in measured])
