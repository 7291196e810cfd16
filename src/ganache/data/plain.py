"""A picture in any colour mode, turned any way -> upright, 8 bits, grey or RGB."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from ganache.data.damage import DECODE_ERRORS
from ganache.data.reasons import Note, Reason, Skip

GREY_MODES = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each EXIF orientation."""


def orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 where there is none or where it cannot be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except DECODE_ERRORS:
        # A picture with a broken note about its camera is still a good picture.
        return 1
    return value if value in _TURNS else 1


def upright(image: Image.Image, turned: int) -> Image.Image:
    """The loaded image with its EXIF orientation `turned` undone; Pillow does it for TIFF by itself."""
    if turned == 1 or image.format == "TIFF":
        return image
    return image.transpose(_TURNS[turned])


def plain(image: Image.Image, channels: Literal[1, 3] | None) -> tuple[Image.Image, list[Note]]:
    """The image in mode L or RGB, and what that took; `channels` None keeps grey grey and colour RGB."""
    grey = image.mode in GREY_MODES
    eight, notes = _eight_bits(image)
    if image.has_transparency_data:
        eight = _on_white(eight)
        notes.append(Note.ALPHA)
    wanted = {1: "L", 3: "RGB", None: "L" if grey else "RGB"}[channels]
    if grey and wanted == "RGB":
        notes.append(Note.GREY_TO_RGB)
    elif not grey and wanted == "L":
        notes.append(Note.RGB_TO_GREY)
    return (eight if eight.mode == wanted else eight.convert(wanted)), notes


def _eight_bits(image: Image.Image) -> tuple[Image.Image, list[Note]]:
    """The image in a mode of 8 bits a channel, its transparency kept."""
    mode = image.mode
    if mode in ("L", "LA", "RGB", "RGBA"):
        return image, []
    if mode == "1":
        return image.convert("L"), [Note.ONE_BIT]
    if mode in ("P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB"), [Note.PALETTE]
    if mode in GREY_MODES:
        values = np.asarray(image)
        # PNG and PGM have at most 16 bits, which Pillow widens to 32 in some of its versions.
        if mode.startswith("I;16") or (mode == "I" and image.format in ("PNG", "PPM")):
            return Image.fromarray(_scaled(values, 0, 65535)), [Note.SIXTEEN_BIT]
        return Image.fromarray(_stretched(values)), [Note.DEEP]
    if mode == "CMYK":
        return image.convert("RGB"), [Note.CMYK]
    return image.convert("RGBA" if image.has_transparency_data else "RGB"), [Note.OTHER_COLOURS]


def _stretched(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Values of unknown range [H, W] -> uint8: [0, 1] and [0, 255] as they are meant, any other from least to most."""
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise Skip(Reason.DAMAGED, "it holds values that are not numbers")
    least, most = float(numbers.min()), float(numbers.max())
    if least >= 0 and most <= 255:
        is_unit = values.dtype.kind == "f" and most <= 1
        return _scaled(numbers, 0, 1 if is_unit else 255)
    return _scaled(numbers, least, most)


def _scaled(values: NDArray[np.generic], least: float, most: float) -> NDArray[np.uint8]:
    """least -> 0, most -> 255, rounded."""
    span = (most - least) or 1.0
    numbers = (values.astype(np.float64) - least) * (255.0 / span)
    return np.rint(numbers).astype(np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    """The image laid on white, still grey where it was grey."""
    above = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, above).convert("L" if image.mode in GREY_MODES else "RGB")
