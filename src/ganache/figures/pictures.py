"""Sheets of pictures, points, runs side by side, and the animation of a training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from ganache.core.images import evenly_spaced, tile

T = TypeVar("T")


def picture(images: np.ndarray, columns: int | None = None) -> Image.Image:
    """A sheet of pictures, uint8 [N, H, W, C], or of points, float32 [N, 2]. Small pictures are enlarged whole."""
    if images.ndim == 2:
        return points(images)
    columns = columns or math.ceil(math.sqrt(len(images)))
    sheet = tile(images, columns)
    enlarge = max(1, 64 // min(images.shape[1:3]))
    sheet = sheet.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
    return Image.fromarray(sheet[..., 0] if sheet.shape[-1] == 1 else sheet)


def points(xy: np.ndarray, limit: float = 1.5, pixels: int = 480) -> Image.Image:
    """A scatter plot of points [N, 2] on the square [-limit, limit]^2."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(pixels / 100, pixels / 100), dpi=100, layout="constrained")
    axes = figure.add_subplot(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    axes.scatter(xy[:, 0], xy[:, 1], s=6, alpha=0.5, linewidths=0)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


@dataclass(frozen=True)
class Panel:
    """One run, or the runs of one setting, in a comparison."""

    title: str
    pictures: np.ndarray
    """uint8 [N, H, W, C], or points [N, 2]."""
    curves: dict[str, list[tuple[float, float]]]
    """Name -> points (pictures shown, value)."""


ABREAST = 4
"""Panels in a row of a comparison: more would be too small on a screen."""


def comparison(panels: Sequence[Panel], path: Path) -> None:
    """Panels side by side, in rows of four: pictures above, curves below where there are any."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter, MaxNLocator

    across, down = min(ABREAST, len(panels)), math.ceil(len(panels) / ABREAST)
    figure = Figure(figsize=(4.2 * across, 6.4 * down), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2 * down, across, squeeze=False, height_ratios=(2, 1) * down)
    for each in axes.flat:
        each.axis("off")
    for place, panel in enumerate(panels):
        above, below = axes[2 * (place // ABREAST) :, place % ABREAST][:2]
        above.imshow(np.asarray(picture(panel.pictures).convert("RGB")))
        above.set_title(panel.title)
        if not panel.curves:
            below.text(0.5, 0.8, "this method tells no estimate", ha="center", color="gray")
            continue
        below.axis("on")
        for name, curve in panel.curves.items():
            below.plot(*zip(*curve, strict=True), label=name.replace("_", " "), linewidth=1)
        below.set_xlabel("real pictures shown")
        below.xaxis.set_major_formatter(EngFormatter(sep=""))
        below.xaxis.set_major_locator(MaxNLocator(5))
        below.grid(alpha=0.3)
        below.legend(fontsize=8)
    figure.savefig(path)


def evenly(things: Sequence[T], most: int) -> list[T]:
    """At most so many of the things, evenly thinned, the first and the last among them.

    >>> evenly(range(9), 5)
    [0, 2, 4, 6, 8]
    """
    return [things[k] for k in evenly_spaced(len(things), most)]


def animation(frames: Sequence[Path], path: Path, seconds: float = 8.0, most: int = 120) -> None:
    """An animated WebP of picture files, evenly thinned to `most`; the last frame stays for two seconds."""
    pictures = [Image.open(frame).convert("RGB") for frame in evenly(frames, most)]
    each = int(np.clip(1000 * seconds / len(pictures), 60, 500))
    durations = [each] * (len(pictures) - 1) + [2000]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0, quality=80)
