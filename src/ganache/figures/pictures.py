"""Grids of images and plots of points without captions, comparisons of runs, and time lapses of a training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TypeVar

import numpy as np
from PIL import Image

from ganache.core.images import as_image, evenly_spaced, opaque, tile
from ganache.core.outputs import marked
from ganache.core.storage import atomic_path
from ganache.core.text import printable
from ganache.figures.curves import draw_curves
from ganache.figures.frames import open_frames
from ganache.figures.plane import Plane, draw_plane

T = TypeVar("T")


def picture(images: np.ndarray, columns: int | None = None, real: np.ndarray | None = None) -> Image.Image:
    """Return images uint8 [N, H, W, C] in a grid, or a plot of points float32 [N, 2]; small images are enlarged.

    `columns`: by default as many as rows. `real`: for points, those of the data.
    """
    if images.ndim == 2:
        return draw_plane(Plane.of(real, images), images)
    columns = columns or math.ceil(math.sqrt(len(images)))
    sheet = tile(images, columns)
    enlarge = max(1, 64 // min(images.shape[1:3]))
    sheet = sheet.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
    return as_image(sheet)


@dataclass(frozen=True)
class Panel:
    """The part of a comparison that shows one run, or the runs of one setting."""

    title: str
    pictures: np.ndarray
    """uint8 [N, H, W, C], or points [N, 2]."""
    curves: dict[str, list[tuple[float, float]]]
    """Name of a curve -> points (real images seen, value)."""
    real: np.ndarray | None = None
    """For points: those of the data [N, 2]."""


MAX_ACROSS = 4
"""Panels in one row; more would be too small on a screen."""


def comparison(panels: Sequence[Panel], path: Path) -> None:
    """Write a figure of panels in rows of four: images above, curves below if there are any."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    across, down = min(MAX_ACROSS, len(panels)), math.ceil(len(panels) / MAX_ACROSS)
    figure = Figure(figsize=(4.2 * across, 6.4 * down), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2 * down, across, squeeze=False, height_ratios=(2, 1) * down)
    for each in axes.flat:
        each.axis("off")
    for index, panel in enumerate(panels):
        above, below = axes[2 * (index // MAX_ACROSS) :, index % MAX_ACROSS][:2]
        above.imshow(np.asarray(opaque(picture(panel.pictures, real=panel.real))))
        above.set_title(fill(printable(panel.title[:100]), 44), fontsize=10, parse_math=False)
        if not panel.curves:
            below.text(0.5, 0.8, "nothing was measured yet", ha="center", color="gray")
            continue
        below.axis("on")
        draw_curves(below, panel.curves)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, pil_kwargs=marked(path.suffix.lower()))


def evenly(items: Sequence[T], most: int) -> list[T]:
    """Return at most `most` items, evenly spaced, with the first and the last.

    >>> evenly(range(9), 5)
    [0, 2, 4, 6, 8]
    """
    return [items[k] for k in evenly_spaced(len(items), most)]


def animation(frames: Sequence[Path], path: Path, seconds: float = 8.0, most: int = 120) -> None:
    """Write an animated WebP of at most `most` of these PNG files, evenly spaced; the last stays for two seconds.

    Files that hold no picture are left out; nothing is written if none does.
    """
    pictures = open_frames(evenly(frames, most))
    if not pictures:
        return
    each = int(np.clip(1000 * seconds / len(pictures), 60, 500))
    durations = [each] * (len(pictures) - 1) + [2000]
    with atomic_path(path) as temporary:
        options = {"duration": durations, "loop": 0, "quality": 80, **marked(".webp")}
        pictures[0].save(temporary, save_all=True, append_images=pictures[1:], **options)
