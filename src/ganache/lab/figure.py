"""The data of a figure: images, points and captions, before anything is drawn.

Experiments return a `Figure` or an `Animation`; `ganache.figures` draws them. Images are uint8 [N, H, W, C]; for a
generator of points in the plane they are float32 [N, 2]. An empty cell is a white image, or a point of NaN.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ganache.core.images import Pictures


@dataclass(frozen=True)
class ImageGrid:
    """Images in rows and columns, in row-major order."""

    pictures: Pictures
    columns: int
    column_labels: tuple[str, ...] = ()
    """One label per column, or none."""
    row_labels: tuple[str, ...] = ()
    """One label per row, or none."""
    heading: str = ""
    connected: bool = False
    """For points: whether a line connects the points of a row."""
    colour_by: Literal["rows", "columns"] = "rows"
    """For points: whether a row or a column shares a colour."""
    captions: tuple[str, ...] = ()
    """One caption under each image, or none; not for points."""


@dataclass(frozen=True)
class ScatterPlot:
    """Points in the plane in groups, each point with its image."""

    xy: NDArray[np.float64]
    """[N, 2]"""
    group: NDArray[np.int64]
    """[N], indices into `groups`."""
    groups: tuple[str, ...]
    """Names of the groups."""
    axes: tuple[str, str]
    """Labels of the x axis and the y axis."""
    pictures: Pictures | None = None
    """One image per point, or None if the generator makes points."""
    heading: str = ""

    @property
    def shows_points(self) -> bool:
        """Whether its places are generated points themselves, and not principal components."""
        return self.pictures is None and self.axes == ("x", "y")


@dataclass(frozen=True)
class Figure:
    """A title and groups of parts. The parts of a group stay side by side; usually there is one group per model."""

    title: str
    groups: tuple[tuple[ImageGrid | ScatterPlot, ...], ...]
    latents: tuple[tuple[float, ...], ...] = ()
    """Latents or directions that the experiment found with the first model, each z_dim numbers."""
    real: Pictures | None = field(default=None, compare=False, repr=False)
    """For points: those of the data [N, 2], which fix the axes."""
    remark: str = ""
    """A measurement that belongs to the figure, as a sentence; it is shown below the title, and printed."""


@dataclass(frozen=True)
class Animation:
    """An animated path through latents, by one or several models."""

    title: str
    sequences: tuple[Pictures, ...]
    """For each model, one image per frame."""
    names: tuple[str, ...]
    """Names of the models."""
    waypoints: tuple[str, ...]
    """Names of the points on the path, in order."""
    frames_per_segment: int
    """Frames from one waypoint to the next."""
    fps: int
    """Frames per second."""
    real: Pictures | None = field(default=None, compare=False, repr=False)
    """For points: those of the data [N, 2], which fix the axes."""


def blank(pictures: Pictures, n: int) -> Pictures:
    """Return n empty cells of the same shape and type as `pictures`."""
    empty = np.nan if pictures.ndim == 2 else 255
    return np.full((n, *pictures.shape[1:]), empty, dtype=pictures.dtype)
