"""The bytes of one file -> one picture of the wanted size, or a Skip with its reason.

Nothing here trusts a file: not its name, not its header, not that a decoder raises what it documents.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from ganache.core.images import Pixels
from ganache.data.damage import check_png, decoding
from ganache.data.fitting import Fit, fitted
from ganache.data.plain import orientation, plain, upright
from ganache.data.reasons import Note, Reason, Skip

MAX_PIXELS = 100_000_000
"""More than any usual camera makes; at three bytes each, this is what one file may cost in memory."""

MIN_SIDE = 8
"""A picture with a shorter side is an icon or a tracking pixel."""

NATIVE_SIDE = 512
"""Where no size is asked for, pictures keep their own up to this side: beyond it a pack would fill the disk."""

DEFAULT_SIZE = (64, 64)
"""Height and width where none is asked for and the pictures differ."""

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "ICO", "JPEG2000", "AVIF", "QOI", "PCX", "SGI")
"""What is read. Left out are formats without a sure signature, and EPS, which would start another program."""


@dataclass(frozen=True)
class Target:
    """What every picture of a data set becomes. None: the size they all have, grey if they all are grey."""

    size: tuple[int, int] | None = None
    """Height and width in pixels."""

    channels: Literal[1, 3] | None = None
    fit: Fit = "crop"


@dataclass(frozen=True)
class Picture:
    """A usable picture: its pixels uint8 [H, W, C], and how it was found."""

    pixels: Pixels
    found_size: tuple[int, int]
    """Height and width before fitting, upright."""

    found_mode: str
    """Pillow's name of the colour mode: "RGB", "L", "P", "CMYK", ..."""

    notes: tuple[Note, ...]


def decode(data: bytes, target: Target) -> Picture:
    """One file's bytes -> its Picture. Raises Skip, and nothing else, for what is not usable."""
    if not data:
        raise Skip(Reason.EMPTY)
    check_png(data)
    with decoding(data), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise Skip(Reason.BOMB, f"{image.width}x{image.height} pixels announced")
        mode, header, notes = image.mode, (image.height, image.width), _frame_notes(image)
        size = target.size or (DEFAULT_SIZE if max(header) > NATIVE_SIDE else None)
        turned = _load(image, size)
        # The header of a TIFF gives height and width of the upright picture, all others those of the stored one.
        found = header[::-1] if turned >= 5 and image.format != "TIFF" else header
        _check_side(found, size)
        simple, converted = plain(upright(image, turned), target.channels)
        result, fitting = fitted(simple, size or found, target.fit)
        pixels = np.asarray(result)
    if turned != 1:
        notes.append(Note.ROTATED)
    notes += converted + fitting
    return Picture(pixels if pixels.ndim == 3 else pixels[:, :, None], found, mode, tuple(notes))


def _load(image: Image.Image, size: tuple[int, int] | None) -> int:
    """Decode the pixels, for a picture of `size`; the EXIF orientation, 1 to 8."""
    if image.format == "TIFF":
        # Pillow turns a TIFF while loading it, and forgets that it did.
        turned = orientation(image)
        image.load()
        return turned
    if image.format == "JPEG" and size is not None:
        # libjpeg can decode at a half, a quarter, an eighth; twice the wanted size keeps the fitting sharp.
        image.draft(None, (2 * max(size), 2 * max(size)))
    image.load()
    # Not before: to find the EXIF of a PNG, Pillow loads it, and an error there would count as one of the EXIF.
    return orientation(image)


def _frame_notes(image: Image.Image) -> list[Note]:
    """What the header says and the loaded pixels no longer do."""
    notes = []
    if getattr(image, "is_animated", False):
        notes.append(Note.FIRST_FRAME)
    # Pillow has no 16-bit RGB: it keeps the high bytes, and only its plan of decoding tells.
    if image.mode in ("RGB", "RGBA", "LA") and any(";16" in str(part.args) for part in getattr(image, "tile", ())):
        notes.append(Note.SIXTEEN_BIT)
    return notes


def _check_side(found: tuple[int, int], size: tuple[int, int] | None) -> None:
    """Raises Skip for a picture that is too small, for anything or for `size`."""
    height, width = found
    if min(found) < MIN_SIDE:
        raise Skip(Reason.TOO_SMALL, f"{width}x{height} pixels; a side needs {MIN_SIDE}")
    if size is not None and (2 * height < size[0] or 2 * width < size[1]):
        raise Skip(Reason.TOO_SMALL, f"{width}x{height} pixels, less than half of {size[1]}x{size[0]}")
