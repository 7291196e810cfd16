"""`save_figure`: figures and animations become files; animations are WebP, GIF or MP4."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from ganache.core.images import Pictures, evenly_spaced
from ganache.core.outputs import MARK, marked
from ganache.core.storage import atomic_path
from ganache.errors import ConfigError, MissingExtra
from ganache.figures.figure import MARGIN, MIN_TITLE_WIDTH, draw, enlarged
from ganache.figures.plane import Plane
from ganache.figures.scatter import blank_axes, render_plot
from ganache.figures.text import PAPER, render_text, side_by_side, stack
from ganache.lab.figure import Animation, Figure, ImageGrid

ANIMATED = (".webp", ".gif", ".mp4")
"""Files that can be animated; others show some frames of an animation side by side."""

MAX_SIDE = {".webp": 16_383, ".jpg": 65_500, ".jpeg": 65_500, ".gif": 65_535}
"""The largest side that a file format can store, in pixels."""

MAX_STILLS = 9
"""Frames in one row, for files that are not animated."""


def save_figure(shown: Figure | Animation | Image.Image, path: Path) -> None:
    """Draw a figure, animation or image into a file, whole or not at all; the ending of the name selects the format.

    Raises MissingExtra for an MP4 if its library is not installed, ConfigError if the format cannot store an image of
    this size.
    """
    kind = path.suffix.lower()
    if isinstance(shown, Animation) and kind in ANIMATED:
        if kind == ".mp4":
            with atomic_path(path) as temporary:
                save_mp4(shown, temporary)
            return
        first, *rest = draw_frames(shown)
        check_size(first, kind)
        each = round(1000 / shown.fps)
        with atomic_path(path) as temporary:
            first.save(
                temporary, save_all=True, append_images=rest, duration=each, loop=0, lossless=True, **marked(kind)
            )
        return
    if not isinstance(shown, Image.Image):
        shown = draw(stills(shown) if isinstance(shown, Animation) else shown)
    check_size(shown, kind)
    with atomic_path(path) as temporary:
        shown.save(temporary, **marked(kind))


def check_size(picture: Image.Image, kind: str) -> None:
    """Raise ConfigError if the format `kind` cannot store an image of this size."""
    most = MAX_SIDE.get(kind, math.inf)
    if max(picture.size) > most:
        size = f"{picture.width}x{picture.height}"
        raise ConfigError(f"The picture has {size} pixels, more than {kind} can store ({most}): end its name in .png.")


def stills(animation: Animation) -> Figure:
    """Return some frames of an animation: one grid per model, one row per segment."""
    segments = [f"{here} to {there}" for here, there in pairwise(animation.waypoints)]
    length = animation.frames_per_segment
    frames = evenly_spaced(length, MAX_STILLS)
    chosen = np.concatenate([segment * length + np.array(frames) for segment in range(len(segments))])
    labels = tuple(f"{frame / length:.0%}" for frame in frames)
    grids = [
        ImageGrid(sequence[chosen], len(frames), labels, tuple(segments), name, connected=True)
        for sequence, name in zip(animation.sequences, animation.names, strict=True)
    ]
    return Figure(animation.title, tuple((grid,) for grid in grids), real=animation.real)


def draw_frames(animation: Animation) -> Iterator[Image.Image]:
    """Draw every frame, RGB: the title, the models side by side under their names, and the current segment."""
    width = max(MIN_TITLE_WIDTH, 256 * len(animation.sequences))
    title = render_text(animation.title, width, 14, bold=True)
    names = [render_text(name, 256, 12) for name in animation.names]
    captions = [render_text(f"{here} to {there}", width, 12) for here, there in pairwise(animation.waypoints)]
    tallest = max(caption.height for caption in captions)
    for number, images in enumerate(
        zip(*(draw_sequence(each, animation.real) for each in animation.sequences), strict=True)
    ):
        models = side_by_side(*(stack(name, image, gap=4) for name, image in zip(names, images, strict=True)))
        segment = min(number // animation.frames_per_segment, len(captions) - 1)
        whole = stack(title, models, captions[segment])
        height = title.height + models.height + tallest + 2 * 8  # the same for all frames
        sides = (side + side % 2 + 2 * MARGIN for side in (whole.width, height))  # MP4 needs even sides
        paper = Image.new("RGB", (next(sides), next(sides)), PAPER)
        paper.paste(whole, (MARGIN, MARGIN))
        yield paper


def draw_sequence(sequence: Pictures, real: Pictures | None = None) -> Iterator[Image.Image]:
    """Draw the frames of one model, enlarged; for points, the path and the current point on it."""
    if sequence.ndim > 2:
        factor = max(1, 256 // max(sequence.shape[1:3]))
        yield from (enlarged(pixels, factor) for pixels in sequence)
        return
    figure, axes = blank_axes(360, 360, sequence, real=real)
    sequence = sequence if real is None else Plane.of(real, sequence).inside(sequence)
    axes.plot(sequence[:, 0], sequence[:, 1], color="0.7", linewidth=1)
    plot = render_plot(figure)
    for x, y in axes.transData.transform(sequence) * (1, -1) + (0, plot.height):
        image = plot.copy()
        ImageDraw.Draw(image).ellipse((x - 5, y - 5, x + 5, y + 5), fill=(68, 1, 84))
        yield image


def save_mp4(animation: Animation, path: Path) -> None:
    """Write an MP4 in H.264, which every browser plays. Raises MissingExtra if PyAV is not installed."""
    try:
        import av
    except ImportError:
        raise MissingExtra("An MP4", "video") from None
    with av.open(str(path), "w") as container:
        container.metadata["comment"] = MARK
        stream: Any = None
        for frame in draw_frames(animation):
            if stream is None:
                stream = container.add_stream("libx264", rate=animation.fps, options={"crf": "17"})
                stream.width, stream.height, stream.pix_fmt = *frame.size, "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode())
