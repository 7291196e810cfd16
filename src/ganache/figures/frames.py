"""Reading pictures that a run wrote: whatever lies in their place, no file ends a report or an animation."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from ganache.core.images import opaque
from ganache.core.storage import open_regular

MAX_PIXELS = 2**27
"""Pixels of one picture."""
ALL_PIXELS = 2**29
"""Pixels of all frames of an animation, which are in memory at the same time: 1.6 GB."""
MAX_SIDE = 16_383
"""Pixels; the largest side of a WebP."""


def open_frame(path: Path) -> Image.Image | None:
    """Return the picture in a PNG file, in RGB; None if the file is no ordinary file with a whole PNG in it."""
    try:
        with warnings.catch_warnings(), open_regular(path) as file:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=["PNG"]) as picture:
                return opaque(picture) if picture.width * picture.height <= MAX_PIXELS else None
    except Exception:  # damaged files make Pillow raise errors of any kind
        return None


def open_frames(paths: Sequence[Path]) -> list[Image.Image]:
    """Return the pictures in these files, in RGB and of one size; files without a picture are left out.

    Smaller pictures get a white border: the settings may have changed between two starts of a run. All are reduced if
    they need too much memory.
    """
    limit = ALL_PIXELS // max(1, len(paths))
    pictures = [reduced(picture, limit) for picture in map(open_frame, paths) if picture is not None]
    sizes = {picture.size for picture in pictures}
    if len(sizes) < 2:
        return pictures
    width, height = (max(size[axis] for size in sizes) for axis in (0, 1))
    return [reduced(centred(picture, width, height), limit) for picture in pictures]


def reduced(picture: Image.Image, limit: int) -> Image.Image:
    """Return the picture with at most `limit` pixels and sides of at most MAX_SIDE."""
    scale = min(math.sqrt(limit / (picture.width * picture.height)), MAX_SIDE / max(picture.size))
    if scale >= 1:
        return picture
    return picture.resize((max(1, int(picture.width * scale)), max(1, int(picture.height * scale))))


def centred(picture: Image.Image, width: int, height: int) -> Image.Image:
    """Return the picture in the middle of a white one of this size."""
    paper = Image.new("RGB", (width, height), "white")
    paper.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
    return paper
