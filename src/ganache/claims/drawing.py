"""What the figures of the claims share: plain data -> matplotlib figures -> bytes. No network is involved."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from PIL import Image

from ganache.claims.claim import NEAR, Measurement, Numbers, runs_of, variants
from ganache.core.outputs import marked

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999", "#8C510A")
"""The palette of Okabe & Ito, which colour-blind readers can tell apart, and two more colours."""

WIDTH = 7.2
"""Width of every figure, in inches: at 100 pixels per inch its text is readable on a phone."""


def figure(title: str, height: float) -> Figure:
    """Return an empty figure with a title; `height` in inches."""
    fig = Figure(figsize=(WIDTH, height), dpi=100, layout="constrained")
    FigureCanvasAgg(fig)
    fig.suptitle(title, fontsize=10.5, fontweight="bold")
    return fig


def axes(fig: FigureBase, rows: int, columns: int, **options: Any) -> Any:
    """Return an array of axes [rows, columns] with light grid lines."""
    grid = fig.subplots(rows, columns, squeeze=False, **options)
    for ax in grid.flat:
        ax.grid(alpha=0.25)
        ax.tick_params(labelsize=8)
    return grid


def label(ax: Axes, x: str, y: str, title: str = "", legend: bool = False) -> None:
    """Set the labels of both axes, the title, and the legend."""
    ax.set_xlabel(x, fontsize=9)
    ax.set_ylabel(y, fontsize=9)
    ax.set_title(title, fontsize=9)
    if legend:
        ax.legend(fontsize=8)


def logarithmic(ax: Axes, which: Literal["x", "y"]) -> None:
    """Make an axis logarithmic, with numbers written in full at 1, 2 and 5 times each power of ten."""
    ax.set(**{f"{which}scale": "log"})  # type: ignore[arg-type]
    axis: Any = ax.xaxis if which == "x" else ax.yaxis
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_formatter(NullFormatter())


def band(ax: Axes, x: Sequence[float], curves: Sequence[Sequence[float]], colour: str, name: str) -> None:
    """Draw the mean of the curves of several seeds, and their range as a band."""
    stacked = np.asarray(curves, dtype=np.float64)
    stacked[~np.isfinite(stacked)] = np.nan  # a training that diverged to NaN is not drawn
    ax.fill_between(x, stacked.min(axis=0), stacked.max(axis=0), color=colour, alpha=0.2, linewidth=0)
    ax.plot(x, stacked.mean(axis=0), color=colour, label=name, linewidth=1.5)


def surface(ax: Axes, values: Any, limit: float, real: Any, fake: Any) -> None:
    """Draw a critic's scores [n, n] (row: y, column: x) on [-limit, limit]^2, their gradients, real and fake points."""
    height = np.asarray(values, dtype=np.float64)
    ticks = np.linspace(-limit, limit, len(height))
    half = (ticks[1] - ticks[0]) / 2  # a value belongs to the middle of its cell
    square = (-limit - half, limit + half) * 2
    ax.imshow(height, extent=square, origin="lower", cmap="cividis", interpolation="bilinear")
    if np.ptp(height) > 0:
        ax.contour(ticks, ticks, height, levels=10, colors="white", linewidths=0.4, alpha=0.6)
    dy, dx = np.asarray(np.gradient(height, ticks, ticks))
    stride = max(1, len(height) // 11)
    some = (slice(stride // 2, None, stride),) * 2
    length = np.hypot(dx, dy)
    divisor = np.sqrt(length * length.max()) + 1e-30  # arrows show the square root, so that gentle slopes stay visible
    grid = np.meshgrid(ticks, ticks)
    slopes: list[Any] = [(part / divisor)[some] for part in (dx, dy)]
    arrows: dict[str, Any] = {"color": "white", "alpha": 0.75, "width": 0.006, "scale": 16, "pivot": "mid"}
    ax.quiver(grid[0][some], grid[1][some], *slopes, **arrows)
    for points, colour in ((real, "white"), (fake, COLOURS[1])):
        xy = np.asarray(points, dtype=np.float64)
        ax.scatter(xy[:, 0], xy[:, 1], s=6, color=colour, edgecolors="black", linewidths=0.3)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    ax.set_xticks([-1, 0, 1])
    ax.set_yticks([-1, 0, 1])
    ax.grid(False)


def tiles(ax: Axes, samples: str, title: str) -> None:
    """Show samples that are stored as a tiled PNG in base64, without axes."""
    tiled = np.asarray(Image.open(io.BytesIO(base64.b64decode(samples))).convert("RGB"))
    ax.imshow(tiled, interpolation="nearest")
    ax.set_title(title, fontsize=9)
    ax.axis("off")


def side_by_side(title: str, shown: Mapping[str, str], columns: int = 4) -> Figure:
    """Show several tiled pictures with their names, at most `columns` in a row."""
    rows = -(-len(shown) // columns)
    fig = figure(title, 0.3 + 2.2 * rows)
    places = fig.subplots(rows, min(len(shown), columns), squeeze=False).flatten()
    for ax in places:
        ax.axis("off")
    for ax, (name, samples) in zip(places, shown.items(), strict=False):
        tiles(ax, samples, name.replace(", ", ",\n"))
    return fig


def above_floor(numbers: Numbers) -> list[float]:
    """Return the distance during training: at least NEAR of the first, so that it has a place on a logarithmic axis."""
    return [max(distance, NEAR * numbers["untrained"]) for distance in numbers["frechet_through_training"]]


def learning(title: str, measured: Sequence[Measurement]) -> Figure:
    """Draw the Frechet distance of each variant during training, and below it the last samples of its first seed.

    If the measurements have real pictures, these come last.
    """
    names = variants(measured)
    first = {name: runs_of(measured, name)[0].numbers for name in names}
    shown = {name: numbers["samples"] for name, numbers in first.items()}
    real = next((numbers["real"] for numbers in first.values() if "real" in numbers), "")
    shown |= {"real pictures": real} if real else {}
    fig = figure(title, 5.6)
    parts: Any = fig.subfigures(2, 1, height_ratios=(3, 2 if len(shown) > 2 else 3))
    above, below = parts
    (curves,) = axes(above, 1, 1)[0]
    for name, colour in zip(names, COLOURS, strict=False):
        runs = [run.numbers for run in runs_of(measured, name)]
        band(curves, runs[0]["steps"], [above_floor(n) for n in runs], colour, name)
    logarithmic(curves, "y")
    label(curves, "generator steps", "Frechet distance above real pictures'", "lower is better", legend=True)
    below.suptitle("samples of the first seed at the end, of the same latents", fontsize=9)
    for ax, (name, samples) in zip(below.subplots(1, len(shown), squeeze=False)[0], shown.items(), strict=True):
        tiles(ax, samples, name.replace(", ", ",\n"))
    return fig


# ---- files ---------------------------------------------------------------------------------------------------------


def as_image(fig: Figure) -> Image.Image:
    """Return the pixels of a figure, also of one that was made without a canvas for pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = fig.canvas if isinstance(fig.canvas, FigureCanvasAgg) else FigureCanvasAgg(fig)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def still(fig: Figure) -> bytes:
    """Return a figure as WebP: lines without loss, and pictures as a photograph if that is smaller."""
    exact, close = io.BytesIO(), io.BytesIO()
    image = as_image(fig)
    image.save(exact, "WEBP", lossless=True, method=6, **marked(".webp"))
    image.save(close, "WEBP", quality=85, method=6, **marked(".webp"))
    return min(exact.getvalue(), close.getvalue(), key=len)


def moving(frames: Sequence[Figure], milliseconds: int = 400) -> bytes:
    """Return figures as an animation; the last frame stays for two seconds."""
    images = [as_image(fig) for fig in frames]
    durations = [milliseconds] * (len(images) - 1) + [2000]
    file = io.BytesIO()
    rest = images[1:]
    options = {"duration": durations, "loop": 0, "quality": 40, **marked(".webp")}
    images[0].save(file, "WEBP", save_all=True, append_images=rest, **options)
    return file.getvalue()
