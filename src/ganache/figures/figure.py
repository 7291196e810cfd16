"""`draw`: a figure becomes one image, with title, grids, scatter plots and captions."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from PIL import Image

from ganache.core.images import Pictures, as_rgb_image
from ganache.figures.scatter import draw_point_grid, draw_scatter_plot
from ganache.figures.text import PAPER, render_text, side_by_side, stack, text_width
from ganache.lab.figure import Figure, ImageGrid, ScatterPlot

MAX_WIDTH = 1400
"""Parts are placed side by side up to this width in pixels."""
MIN_TITLE_WIDTH = 480
"""Titles are not broken into narrower lines, in pixels."""
GAP = 2
"""Pixels between images."""
MARGIN = 12
MAX_LABEL_WIDTH = 150
"""Width of row labels, in pixels, at most."""


def draw(figure: Figure) -> Image.Image:
    """Draw a figure as an RGB image."""
    content = flow([flow(draw_group(group, figure.real)) for group in figure.groups])
    title = render_text(figure.title, max(MIN_TITLE_WIDTH, content.width), 15, bold=True)
    remark = [render_text(figure.remark, max(MIN_TITLE_WIDTH, content.width), 12)] if figure.remark else []
    whole = stack(title, *remark, content, gap=14)
    paper = Image.new("RGB", (whole.width + 2 * MARGIN, whole.height + 2 * MARGIN), PAPER)
    paper.paste(whole, (MARGIN, MARGIN))
    return paper


def flow(pictures: list[Image.Image]) -> Image.Image:
    """Place images in rows of equal length, as few rows as MAX_WIDTH allows for the widest image."""
    most = max(1, MAX_WIDTH // max(each.width for each in pictures))
    even = ceil(len(pictures) / ceil(len(pictures) / most))
    return stack(*(side_by_side(*pictures[k : k + even]) for k in range(0, len(pictures), even)), gap=14)


def draw_group(group: Sequence[ImageGrid | ScatterPlot], real: Pictures | None = None) -> list[Image.Image]:
    """Draw each part of a group below its heading. The fewer columns the group has, the larger its images.

    `real`: for points, those of the data.
    """
    columns = sum(part.columns for part in group if isinstance(part, ImageGrid))
    drawn = []
    for part in group:
        if isinstance(part, ScatterPlot):
            picture = draw_scatter_plot(part, real)
        else:
            picture = draw_point_grid(part, real) if part.pictures.ndim == 2 else draw_grid(part, columns)
        heading = [render_text(part.heading, picture.width, 13)] if part.heading else []
        drawn.append(stack(*heading, picture, gap=4))
    return drawn


def draw_grid(grid: ImageGrid, columns: int) -> Image.Image:
    """Draw images in rows and columns with their labels, enlarged as far as `columns` side by side allow."""
    factor = enlargement(grid.pictures, columns)
    height, width = (side * factor for side in grid.pictures.shape[1:3])
    rows = ceil(len(grid.pictures) / grid.columns)
    left = min(MAX_LABEL_WIDTH, max((text_width(each) for each in grid.row_labels), default=-6)) + 6
    column_labels = [render_text(each, max(width, 24), 12, align="center") for each in grid.column_labels]
    top = max((each.height for each in column_labels), default=0)
    captions = [render_text(each, max(width, 24), 11, align="center") for each in grid.captions]
    pitch = height + GAP + max((each.height for each in captions), default=0)  # distance of rows
    size = (left + grid.columns * (width + GAP), top + rows * pitch)
    paper = Image.new("RGB", size, PAPER)
    for column, words in enumerate(column_labels):
        paper.paste(words, (left + column * (width + GAP), top - words.height))
    for row, text in enumerate(grid.row_labels):
        words = render_text(text, left - 6, 12, align="right")
        paper.paste(words, (0, top + row * pitch + max(0, (height - words.height) // 2)))
    for number, pixels in enumerate(grid.pictures):
        row, column = divmod(number, grid.columns)
        corner = (left + column * (width + GAP), top + row * pitch)
        paper.paste(enlarged(pixels, factor), corner)
        if captions:
            paper.paste(captions[number], (corner[0], corner[1] + height))
    return paper


def enlargement(pictures: Pictures, columns: int) -> int:
    """Return the factor by which images are enlarged: the fewer columns, the larger."""
    wanted = float(np.clip(1100 / columns, 64, 192))
    return max(1, int(wanted // max(pictures.shape[1:3])))


def enlarged(pixels: Pictures, factor: int) -> Image.Image:
    """Return uint8 [H, W, C] as RGB, with each pixel enlarged to `factor` x `factor`."""
    large = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    return as_rgb_image(large)
