"""Scatter plots: a generator's distribution with thumbnails, and the points of 2-D toys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ganache.core.images import Pictures, as_rgb_image
from ganache.figures.plane import GENERATED, REAL, Plane
from ganache.figures.text import text_width
from ganache.lab.figure import ImageGrid, ScatterPlot

THUMBNAIL = 64
"""The longer side of a thumbnail, in pixels, at most."""


def draw_scatter_plot(scatter: ScatterPlot, real: Pictures | None = None) -> Image.Image:
    """Draw each point in its group's colour and, where there is room, its image in a frame of this colour.

    `real`: points of the data [N, 2], which are drawn too if the points of the plot are generated ones.
    """
    real = real if scatter.shows_points else None
    xy, names = scatter.xy, (*scatter.groups, *with_real(real))
    figure, axes = blank_axes(640 if scatter.pictures is None else 760, 640, xy, names, real)
    xy = xy if real is None else Plane.of(real, xy).inside(xy)
    colours = shades(len(scatter.groups))
    for number, name in enumerate(scatter.groups):
        members = xy[scatter.group == number]
        axes.scatter(members[:, 0], members[:, 1], s=9, color=colours[number], label=name, linewidths=0, alpha=0.8)
    axes.set(xlabel=scatter.axes[0], ylabel=scatter.axes[1])
    legend(axes)
    plot = render_plot(figure)
    if scatter.pictures is not None:
        at = axes.transData.transform(scatter.xy) * (1, -1) + (0, plot.height)
        for chosen in spread_out(at, THUMBNAIL + 8):
            shade = tuple(int(255 * part) for part in colours[scatter.group[chosen]][:3])
            framed = ImageOps.expand(thumbnail(scatter.pictures[chosen]), border=2, fill=shade)
            plot.paste(framed, tuple(np.round(at[chosen] - np.array(framed.size) / 2).astype(int)))
    return plot


def draw_point_grid(grid: ImageGrid, real: Pictures | None = None) -> Image.Image:
    """Draw a grid of points in the plane, coloured by row or by column, on the points of the data [N, 2], `real`."""
    points = np.concatenate([grid.pictures, empty_points(-len(grid.pictures) % grid.columns)])
    table = points.reshape(-1, grid.columns, 2)  # rows, columns, (x, y)
    names = grid.row_labels if grid.colour_by == "rows" else grid.column_labels
    groups = table if grid.colour_by == "rows" else table.transpose(1, 0, 2)
    if len(names) != len(groups):
        groups, names = points[None], ("" if real is None else "generated points",)
    figure, axes = blank_axes(380, 380, points, (*names, *with_real(real)), real)
    groups = groups if real is None else Plane.of(real, points).inside(groups)
    colours = [tuple(part / 255 for part in GENERATED)] if len(groups) == 1 else shades(len(groups))
    for xy, name, colour in zip(groups, names, colours, strict=True):
        style = "-o" if grid.connected else "o"
        axes.plot(xy[:, 0], xy[:, 1], style, color=colour, label=name, markersize=4, linewidth=1, alpha=0.8)
    if any(names):
        legend(axes)
    return render_plot(figure)


def with_real(real: Pictures | None) -> tuple[str, ...]:
    """Return the name of the real points in a legend, if they are drawn."""
    return () if real is None else ("real points",)


def empty_points(n: int) -> Pictures:
    """Return n points that are not drawn."""
    return np.full((n, 2), np.nan, np.float32)


def blank_axes(
    width: int, height: int, xy: Pictures, names: Sequence[str] = (), real: Pictures | None = None
) -> tuple[Any, Any]:
    """Return (figure, axes) of matplotlib: `width` x `height` pixels for the points [..., 2], and room for a legend.

    If points of the data are given, `real` [N, 2], they fix the axes and are drawn, so that a collapse looks like one.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    left, bottom, top = 76, 52, 8
    right = 70 + max(text_width(name, 14) for name in names) if any(names) else 16
    size = np.array([left + width + right, bottom + height + top])
    figure = Figure(figsize=tuple(size / 100), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((left / size[0], bottom / size[1], width / size[0], height / size[1]))
    flat = xy.reshape(-1, 2)
    if real is not None:
        plane = Plane.of(real, flat)
        axes.set(xlim=plane.window[0], ylim=plane.window[1])
        shade = [part / 255 for part in REAL]
        axes.scatter(plane.real[:, 0], plane.real[:, 1], s=7, color=shade, label="real points", linewidths=0, alpha=0.3)
    else:
        low, high = np.nanmin(flat, axis=0), np.nanmax(flat, axis=0)
        middle, half = (low + high) / 2, np.maximum(0.58 * (high - low), 1e-3)
        if width == height:
            half = np.full(2, half.max())  # the same scale on both axes
        (x, y), (dx, dy) = middle, half
        axes.set(xlim=(x - dx, x + dx), ylim=(y - dy, y + dy))
    axes.locator_params(nbins=6)  # more labels would overlap
    axes.grid(alpha=0.25)
    return figure, axes


def legend(axes: Any) -> None:
    """Add a legend to the right of the plot."""
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, markerscale=1.5)


def render_plot(figure: Any) -> Image.Image:
    """Render a matplotlib figure as an RGB image."""
    figure.canvas.draw()
    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3].copy())


def shades(n: int) -> NDArray[np.float64]:
    """Return n ordered colours [n, 4], from dark to light."""
    from matplotlib import colormaps

    return np.asarray(colormaps["viridis"](np.linspace(0, 0.85, n)))


def thumbnail(pixels: Pictures) -> Image.Image:
    """Return uint8 [H, W, C] as RGB with sides of at most THUMBNAIL pixels; enlarged only by a whole factor."""
    picture = as_rgb_image(pixels)
    if max(picture.size) > THUMBNAIL:
        return ImageOps.contain(picture, (THUMBNAIL, THUMBNAIL))
    return ImageOps.scale(picture, THUMBNAIL // max(picture.size), Image.Resampling.NEAREST)


def spread_out(at: NDArray[np.float64], room: int) -> list[int]:
    """Return indices of points [N, 2] at least `room` pixels apart: the central one, then always the farthest."""
    chosen = [int(np.abs(at - np.median(at, axis=0)).max(axis=1).argmin())]
    nearest = np.abs(at - at[chosen[0]]).max(axis=1)
    while nearest.max() >= room:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.abs(at - at[chosen[-1]]).max(axis=1))
    return chosen
