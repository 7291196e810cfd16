"""Films -> animated WebP, GIF or MP4; and every exhibit or film -> a file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ganache.core.images import Pictures
from ganache.errors import ConfigError, MissingExtra
from ganache.figures.cloud import blank_axes, rendered
from ganache.figures.figure import MARGIN, NARROW, draw, enlarged
from ganache.figures.text import PAPER, above, beside, written
from ganache.lab.figure import Animation, Figure, ImageGrid

MOVING = (".webp", ".gif", ".mp4")
"""The kinds of file that move; any other shows some moments of a film side by side."""

LARGEST = {".webp": 16_383, ".jpg": 65_500, ".jpeg": 65_500, ".gif": 65_535}
"""Pixels a side that these kinds of file can hold."""

MOMENTS = 9
"""The most pictures in a row of those."""


def save_figure(shown: Figure | Animation | Image.Image, path: Path) -> None:
    """Draw it, to a file of the kind that its name says.

    Raises MissingExtra for an MP4 without its library, ConfigError for a picture that its kind of file cannot hold.
    """
    kind = path.suffix.lower()
    if isinstance(shown, Animation) and kind in MOVING:
        if kind == ".mp4":
            return save_mp4(shown, path)
        first, *rest = frames(shown)
        refuse_too_large(first, kind)
        each = round(1000 / shown.fps)
        return first.save(path, save_all=True, append_images=rest, duration=each, loop=0, lossless=True)
    if not isinstance(shown, Image.Image):
        shown = draw(strip(shown) if isinstance(shown, Animation) else shown)
    refuse_too_large(shown, kind)
    shown.save(path)


def refuse_too_large(picture: Image.Image, kind: str) -> None:
    """Raise ConfigError where a file of this kind cannot hold a picture of this size."""
    most = LARGEST.get(kind, math.inf)
    if max(picture.size) > most:
        size = f"{picture.width}x{picture.height}"
        raise ConfigError(f"The picture has {size} pixels, and {kind} holds {most}: end its name in .png.")


def strip(film: Animation) -> Figure:
    """Moments of a film as a sheet for each model: a row from each stop to the next."""
    legs = [f"{here} to {there}" for here, there in pairwise(film.stops)]
    moments = np.unique(np.linspace(0, film.frames - 1, min(MOMENTS, film.frames)).round().astype(int))
    chosen = np.concatenate([leg * film.frames + moments for leg in range(len(legs))])
    over = tuple(f"{moment / film.frames:.0%}" for moment in moments)
    sheets = [ImageGrid(reel[chosen], len(moments), over, tuple(legs), name, joined=True) for reel, name in pairs(film)]
    return Figure(film.title, tuple((sheet,) for sheet in sheets))


def frames(film: Animation) -> Iterator[Image.Image]:
    """Every frame, RGB: the title, the models side by side under their names, and where on the way it is."""
    width = max(NARROW, 256 * len(film.reels))
    title = written(film.title, width, 14, bold=True)
    names = [written(name, 256, 12) for name in film.names]
    legs = [written(f"{here} to {there}", width, 12) for here, there in pairwise(film.stops)]
    tallest = max(leg.height for leg in legs)
    for number, moment in enumerate(zip(*map(shots, film.reels), strict=True)):
        models = beside(*(above(name, shot, gap=4) for name, shot in zip(names, moment, strict=True)))
        whole = above(title, models, legs[min(number // film.frames, len(legs) - 1)])
        high = title.height + models.height + tallest + 2 * 8  # of the frame with the longest caption
        sides = (side + side % 2 + 2 * MARGIN for side in (whole.width, high))  # even ones, as MP4 wants
        paper = Image.new("RGB", (next(sides), next(sides)), PAPER)
        paper.paste(whole, (MARGIN, MARGIN))
        yield paper


def shots(reel: Pictures) -> Iterator[Image.Image]:
    """A model's pictures, enlarged; of a 2-D toy the way it goes, and where on it each moment is."""
    if reel.ndim > 2:
        factor = max(1, 256 // max(reel.shape[1:3]))
        yield from (enlarged(pixels, factor) for pixels in reel)
        return
    figure, axes = blank_axes(360, 360, reel)
    axes.plot(reel[:, 0], reel[:, 1], color="0.7", linewidth=1)
    plot = rendered(figure)
    for x, y in axes.transData.transform(reel) * (1, -1) + (0, plot.height):
        shot = plot.copy()
        ImageDraw.Draw(shot).ellipse((x - 5, y - 5, x + 5, y + 5), fill=(68, 1, 84))
        yield shot


def save_mp4(film: Animation, path: Path) -> None:
    """H.264, which every browser plays."""
    try:
        import av
    except ImportError:
        raise MissingExtra("An MP4", "video") from None
    with av.open(str(path), "w") as container:
        stream: Any = None
        for frame in frames(film):
            if stream is None:
                stream = container.add_stream("libx264", rate=film.fps, options={"crf": "17"})
                stream.width, stream.height, stream.pix_fmt = *frame.size, "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode())


def pairs(film: Animation) -> Iterator[tuple[Pictures, str]]:
    """Each model's pictures and name."""
    return zip(film.reels, film.names, strict=True)
