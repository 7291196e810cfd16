"""What a picture will show: arrays and captions, before anything is drawn. `explore` makes these, `figures` draws them.

Pictures are uint8 [N, H, W, C]; of a 2-D toy they are points, float32 [N, 2]. A place without a picture is white, or
a point that is no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ganache.core.images import Pictures


@dataclass(frozen=True)
class ImageGrid:
    """Pictures in rows and columns."""

    pictures: Pictures
    columns: int
    over: tuple[str, ...] = ()
    """A caption for each column, or none at all."""
    beside: tuple[str, ...] = ()
    """A caption for each row, or none at all."""
    heading: str = ""
    joined: bool = False
    """Of points: whether a row is a way from point to point."""
    colours: Literal["rows", "columns"] = "rows"
    """Of points: which of them share a colour."""
    below: tuple[str, ...] = ()
    """A caption under each picture, or none at all; points have none."""


@dataclass(frozen=True)
class ScatterPlot:
    """Points in a plane, each with its picture, in groups."""

    xy: NDArray[np.float64]
    """[N, 2]"""
    group: NDArray[np.int64]
    """[N], indices into `groups`."""
    groups: tuple[str, ...]
    axes: tuple[str, str]
    pictures: Pictures | None = None
    """Of each point; None where the points are the pictures."""
    heading: str = ""


@dataclass(frozen=True)
class Figure:
    """One picture: a sentence that says what is seen, and its parts; those of one group stay side by side."""

    title: str
    groups: tuple[tuple[ImageGrid | ScatterPlot, ...], ...]
    found: tuple[tuple[float, ...], ...] = ()
    """Latents, or directions among them, that were found on the way, each z_dim numbers; the first model's."""


@dataclass(frozen=True)
class Animation:
    """A moving picture: the same moments by one model or several."""

    title: str
    reels: tuple[Pictures, ...]
    """Of each model, a picture a frame."""
    names: tuple[str, ...]
    """Of the models."""
    stops: tuple[str, ...]
    """The points it goes through, in turn."""
    frames: int
    """From a stop to the next."""
    fps: int
    """Frames a second."""


def blank(pictures: Pictures, n: int) -> Pictures:
    """n places without a picture, of the same kind."""
    empty = np.nan if pictures.ndim == 2 else 255
    return np.full((n, *pictures.shape[1:]), empty, dtype=pictures.dtype)
