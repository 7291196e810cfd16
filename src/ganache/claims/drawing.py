"""What the claims' figures share: plain data -> matplotlib figures -> bytes. Nothing here has seen a network."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from PIL import Image

from ganache.claims.claim import Measurement, of, variants

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999", "#8C510A")
"""Okabe & Ito's, which colour-blind readers tell apart, and two more."""

WIDTH = 7.2
"""Of every figure, in inches: at 100 pixels an inch its letters are still read on a phone."""


def figure(title: str, height: float) -> Figure:
    """An empty figure under a title that says what one sees."""
    made = Figure(figsize=(WIDTH, height), dpi=100, layout="constrained")
    FigureCanvasAgg(made)
    made.suptitle(title, fontsize=10.5, fontweight="bold")
    return made


def axes(made: FigureBase, rows: int, columns: int, **options: Any) -> Any:
    """Axes [rows, columns], with a light grid."""
    there = made.subplots(rows, columns, squeeze=False, **options)
    for each in there.flat:
        each.grid(alpha=0.25)
        each.tick_params(labelsize=8)
    return there


def label(each: Axes, x: str, y: str, title: str = "", legend: bool = False) -> None:
    """Names with units on both axes."""
    each.set_xlabel(x, fontsize=9)
    each.set_ylabel(y, fontsize=9)
    each.set_title(title, fontsize=9)
    if legend:
        each.legend(fontsize=8)


def logarithmic(each: Axes, which: Literal["x", "y"]) -> None:
    """A logarithmic axis whose numbers are written in full, at 1, 2 and 5 of each power of ten."""
    each.set(**{f"{which}scale": "log"})  # type: ignore[arg-type]
    axis: Any = each.xaxis if which == "x" else each.yaxis
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_formatter(NullFormatter())


def band(each: Axes, x: Sequence[float], curves: Sequence[Sequence[float]], colour: str, name: str) -> None:
    """The mean of several seeds' curves, and the range of all of them as a band."""
    every = np.asarray(curves, dtype=np.float64)
    every[~np.isfinite(every)] = np.nan  # a training that has left the numbers has no place in the picture
    each.fill_between(x, every.min(axis=0), every.max(axis=0), color=colour, alpha=0.2, linewidth=0)
    each.plot(x, every.mean(axis=0), color=colour, label=name, linewidth=1.5)


def surface(each: Axes, values: Any, limit: float, real: Any, fake: Any) -> None:
    """A critic's values [n, n] (row: y, column: x) on [-limit, limit]^2, where they rise, and both kinds of points."""
    height = np.asarray(values, dtype=np.float64)
    ticks = np.linspace(-limit, limit, len(height))
    half = (ticks[1] - ticks[0]) / 2  # a value is that of its cell's middle
    square = (-limit - half, limit + half) * 2
    each.imshow(height, extent=square, origin="lower", cmap="cividis", interpolation="bilinear")
    if np.ptp(height) > 0:
        each.contour(ticks, ticks, height, levels=10, colors="white", linewidths=0.4, alpha=0.6)
    dy, dx = np.asarray(np.gradient(height, ticks, ticks))
    every = max(1, len(height) // 11)
    some = (slice(every // 2, None, every),) * 2
    length = np.hypot(dx, dy)
    shorter = np.sqrt(length * length.max()) + 1e-30  # lengths by their root: gentle slopes stay visible
    grid = np.meshgrid(ticks, ticks)
    slopes: list[Any] = [(part / shorter)[some] for part in (dx, dy)]
    arrows: dict[str, Any] = {"color": "white", "alpha": 0.75, "width": 0.006, "scale": 16, "pivot": "mid"}
    each.quiver(grid[0][some], grid[1][some], *slopes, **arrows)
    for points, colour in ((real, "white"), (fake, COLOURS[1])):
        xy = np.asarray(points, dtype=np.float64)
        each.scatter(xy[:, 0], xy[:, 1], s=6, color=colour, edgecolors="black", linewidths=0.3)
    each.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal")
    each.set_xticks([-1, 0, 1])
    each.set_yticks([-1, 0, 1])
    each.grid(False)


def tiles(each: Axes, samples: str, title: str) -> None:
    """Pictures that were tiled and kept as a PNG in base64, without axes."""
    tiled = np.asarray(Image.open(io.BytesIO(base64.b64decode(samples))).convert("RGB"))
    each.imshow(tiled, interpolation="nearest")
    each.set_title(title, fontsize=9)
    each.axis("off")


def learning(title: str, measured: Sequence[Measurement], real: str = "") -> Figure:
    """Each variant's distance to real pictures through training, and below its first seed's last samples."""
    names = variants(measured)
    made = figure(title, 5.6)
    parts: Any = made.subfigures(2, 1, height_ratios=(3, 2 if len(names) + bool(real) > 2 else 3))
    above, below = parts
    (curves,) = axes(above, 1, 1)[0]
    for name, colour in zip(names, COLOURS, strict=False):
        runs = [each.numbers for each in of(measured, name)]
        band(curves, runs[0]["steps"], [n["frechet_through_training"] for n in runs], colour, name)
    logarithmic(curves, "y")
    label(curves, "generator steps", "Frechet distance to held-out pictures", "lower is better", legend=True)
    shown = {name: of(measured, name)[0].numbers["samples"] for name in names} | (
        {"real pictures": real} if real else {}
    )
    below.suptitle("samples of the first seed at the end", fontsize=9)
    for each, (name, samples) in zip(below.subplots(1, len(shown), squeeze=False)[0], shown.items(), strict=True):
        tiles(each, samples, name)
    return made


def picture(made: Figure) -> Image.Image:
    """The figure as pixels."""
    canvas: Any = made.canvas
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def png(made: Figure) -> bytes:
    """The figure as a PNG of at most 128 colours or so where that is smaller, which line drawings do not show."""
    plain, few = io.BytesIO(), io.BytesIO()
    whole = picture(made)
    whole.save(plain, "PNG", optimize=True)
    whole.quantize(192).save(few, "PNG", optimize=True)
    return min(plain.getvalue(), few.getvalue(), key=len)


def webp(frames: Sequence[Figure], milliseconds: int = 400) -> bytes:
    """The figures as an animation; the last stays for two seconds."""
    pictures = [picture(each) for each in frames]
    durations = [milliseconds] * (len(pictures) - 1) + [2000]
    file = io.BytesIO()
    rest = pictures[1:]
    pictures[0].save(file, "WEBP", save_all=True, append_images=rest, duration=durations, loop=0, quality=70)
    return file.getvalue()
