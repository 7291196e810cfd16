"""Points in a plane: a generator's distribution with thumbnails, and 2-D toys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ganache.core.images import Pictures
from ganache.figures.text import one_line
from ganache.lab.figure import ImageGrid, ScatterPlot

THUMBNAIL = 64
"""Pixels: the most a thumbnail's longer side has."""


def draw_cloud(cloud: ScatterPlot) -> Image.Image:
    """Every point in its group's colour and, where there is room, its picture in a frame of that colour."""
    figure, axes = blank_axes(640 if cloud.pictures is None else 760, 640, cloud.xy, cloud.groups)
    colours = shades(len(cloud.groups))
    for number, name in enumerate(cloud.groups):
        mine = cloud.xy[cloud.group == number]
        axes.scatter(mine[:, 0], mine[:, 1], s=9, color=colours[number], label=name, linewidths=0, alpha=0.8)
    axes.set(xlabel=cloud.axes[0], ylabel=cloud.axes[1])
    legend(axes)
    plot = rendered(figure)
    if cloud.pictures is not None:
        at = axes.transData.transform(cloud.xy) * (1, -1) + (0, plot.height)
        for chosen in spread_out(at, THUMBNAIL + 8):
            shade = tuple(int(255 * part) for part in colours[cloud.group[chosen]][:3])
            framed = ImageOps.expand(thumbnail(cloud.pictures[chosen]), border=2, fill=shade)
            plot.paste(framed, tuple(np.round(at[chosen] - np.array(framed.size) / 2).astype(int)))
    return plot


def draw_points(sheet: ImageGrid) -> Image.Image:
    """A sheet of a 2-D toy: its points in the plane, coloured by row or by column."""
    points = np.concatenate([sheet.pictures, blank_points(-len(sheet.pictures) % sheet.columns)])
    table = points.reshape(-1, sheet.columns, 2)  # rows, columns, (x, y)
    names = sheet.beside if sheet.colours == "rows" else sheet.over
    groups = table if sheet.colours == "rows" else table.transpose(1, 0, 2)
    if len(names) != len(groups):
        groups, names = points[None], ("",)
    figure, axes = blank_axes(380, 380, points, names)
    for xy, name, colour in zip(groups, names, shades(len(groups)), strict=True):
        style = "-o" if sheet.joined else "o"
        axes.plot(xy[:, 0], xy[:, 1], style, color=colour, label=name, markersize=4, linewidth=1, alpha=0.8)
    if any(names):
        legend(axes)
    return rendered(figure)


def blank_points(n: int) -> Pictures:
    """n points that are not drawn."""
    return np.full((n, 2), np.nan, np.float32)


def blank_axes(width: int, height: int, xy: Pictures, names: Sequence[str] = ()) -> tuple[Any, Any]:
    """A figure with one plot of so many pixels that holds the points [..., 2], and room for a legend of the names."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    left, bottom, top = 76, 52, 8
    right = 70 + max(one_line(name, 14) for name in names) if any(names) else 16
    size = np.array([left + width + right, bottom + height + top])
    figure = Figure(figsize=tuple(size / 100), dpi=100)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((left / size[0], bottom / size[1], width / size[0], height / size[1]))
    flat = xy.reshape(-1, 2)
    low, high = np.nanmin(flat, axis=0), np.nanmax(flat, axis=0)
    middle, half = (low + high) / 2, np.maximum(0.58 * (high - low), 1e-3)
    if width == height:
        half = np.full(2, half.max())  # one scale for both directions
    (x, y), (dx, dy) = middle, half
    axes.set(xlim=(x - dx, x + dx), ylim=(y - dy, y + dy))
    axes.locator_params(nbins=6)  # more would run into each other
    axes.grid(alpha=0.25)
    return figure, axes


def legend(axes: Any) -> None:
    """To the right of the plot."""
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, markerscale=1.5)


def rendered(figure: Any) -> Image.Image:
    """The figure as it is drawn, RGB."""
    figure.canvas.draw()
    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3].copy())


def shades(n: int) -> NDArray[np.float64]:
    """n colours [n, 4] from dark to light, for what has an order."""
    from matplotlib import colormaps

    return np.asarray(colormaps["viridis"](np.linspace(0, 0.85, n)))


def thumbnail(pixels: Pictures) -> Image.Image:
    """uint8 [H, W, C] -> RGB of at most THUMBNAIL pixels a side, by a whole factor where it is enlarged."""
    picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
    if max(picture.size) > THUMBNAIL:
        return ImageOps.contain(picture, (THUMBNAIL, THUMBNAIL))
    return ImageOps.scale(picture, THUMBNAIL // max(picture.size), Image.Resampling.NEAREST)


def spread_out(at: NDArray[np.float64], room: int) -> list[int]:
    """Indices of points at least `room` pixels from one another: the one in the middle, then the farthest each time."""
    chosen = [int(np.abs(at - np.median(at, axis=0)).max(axis=1).argmin())]
    nearest = np.abs(at - at[chosen[0]]).max(axis=1)
    while nearest.max() >= room:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, np.abs(at - at[chosen[-1]]).max(axis=1))
    return chosen
