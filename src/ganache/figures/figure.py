"""Exhibits -> pictures: a title, and sheets and clouds with their captions."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from PIL import Image

from ganache.core.images import Pictures
from ganache.figures.cloud import draw_cloud, draw_points
from ganache.figures.text import PAPER, above, beside, one_line, written
from ganache.lab.figure import Figure, ImageGrid, ScatterPlot

WIDE = 1400
"""Parts stand side by side up to so many pixels."""
NARROW = 480
"""A title is not broken into lines narrower than this."""
GAP = 2
"""Pixels between pictures."""
MARGIN = 12
CAPTION = 150
"""The most pixels that the captions beside rows take."""


def draw(exhibit: Figure) -> Image.Image:
    """The whole picture, RGB."""
    content = flow([flow(draw_group(group)) for group in exhibit.groups])
    title = written(exhibit.title, max(NARROW, content.width), 15, bold=True)
    whole = above(title, content, gap=14)
    paper = Image.new("RGB", (whole.width + 2 * MARGIN, whole.height + 2 * MARGIN), PAPER)
    paper.paste(whole, (MARGIN, MARGIN))
    return paper


def flow(pictures: list[Image.Image]) -> Image.Image:
    """Pictures in turn, in as few rows as WIDE allows if all are as wide as the widest, the rows evenly filled."""
    most = max(1, WIDE // max(each.width for each in pictures))
    even = ceil(len(pictures) / ceil(len(pictures) / most))
    return above(*(beside(*pictures[k : k + even]) for k in range(0, len(pictures), even)), gap=14)


def draw_group(group: Sequence[ImageGrid | ScatterPlot]) -> list[Image.Image]:
    """Sheets and clouds, each below its heading; the fewer columns they have together, the larger the pictures."""
    columns = sum(part.columns for part in group if isinstance(part, ImageGrid))
    drawn = []
    for part in group:
        if isinstance(part, ScatterPlot):
            picture = draw_cloud(part)
        else:
            picture = draw_points(part) if part.pictures.ndim == 2 else draw_sheet(part, columns)
        heading = [written(part.heading, picture.width, 13)] if part.heading else []
        drawn.append(above(*heading, picture, gap=4))
    return drawn


def draw_sheet(sheet: ImageGrid, columns: int) -> Image.Image:
    """Pictures in rows and columns between their captions, enlarged as so many columns beside one another allow."""
    factor = enlargement(sheet.pictures, columns)
    height, width = (side * factor for side in sheet.pictures.shape[1:3])
    rows = ceil(len(sheet.pictures) / sheet.columns)
    left = min(CAPTION, max((one_line(each) for each in sheet.beside), default=-6)) + 6
    over = [written(each, max(width, 24), 12, align="center") for each in sheet.over]
    top = max((each.height for each in over), default=0)
    below = [written(each, max(width, 24), 11, align="center") for each in sheet.below]
    pitch = height + GAP + max((each.height for each in below), default=0)  # from row to row
    size = (left + sheet.columns * (width + GAP), top + rows * pitch)
    paper = Image.new("RGB", size, PAPER)
    for column, words in enumerate(over):
        paper.paste(words, (left + column * (width + GAP), top - words.height))
    for row, text in enumerate(sheet.beside):
        words = written(text, left - 6, 12, align="right")
        paper.paste(words, (0, top + row * pitch + max(0, (height - words.height) // 2)))
    for number, pixels in enumerate(sheet.pictures):
        row, column = divmod(number, sheet.columns)
        corner = (left + column * (width + GAP), top + row * pitch)
        paper.paste(enlarged(pixels, factor), corner)
        if below:
            paper.paste(below[number], (corner[0], corner[1] + height))
    return paper


def enlargement(pictures: Pictures, columns: int) -> int:
    """How many times larger pictures are drawn: few columns have room for large ones."""
    wanted = float(np.clip(1100 / columns, 64, 192))
    return max(1, int(wanted // max(pictures.shape[1:3])))


def enlarged(pixels: Pictures, factor: int) -> Image.Image:
    """uint8 [H, W, C] -> RGB, each pixel a square of `factor` x `factor`."""
    large = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    return Image.fromarray(large[..., 0] if large.shape[-1] == 1 else large).convert("RGB")
