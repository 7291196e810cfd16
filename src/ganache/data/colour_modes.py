"""Convert an image of any colour mode and EXIF orientation to upright 8-bit grey or RGB."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from ganache.data.conversions import Conversion
from ganache.data.decode_errors import DECODE_ERRORS
from ganache.data.skip_reasons import SkipFile, SkipReason

GREY_MODES = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> the operation that makes the image upright."""


def exif_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) to 8; 1 if there is none or it cannot be read."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except DECODE_ERRORS:
        # An image with damaged EXIF data is still usable.
        return 1
    return value if value in _TRANSPOSE else 1


def apply_orientation(image: Image.Image, orientation: int) -> Image.Image:
    """Rotate and mirror the loaded image so that it is upright; Pillow has done so already for a TIFF."""
    if orientation == 1 or image.format == "TIFF":
        return image
    return image.transpose(_TRANSPOSE[orientation])


def to_grey_or_rgb(image: Image.Image, channels: Literal[1, 3] | None) -> tuple[Image.Image, list[Conversion]]:
    """Return the image in mode L or RGB, and the conversions that were needed.

    `channels` 1 gives L, 3 gives RGB, None gives L for a grey image and RGB for a colour image.
    """
    is_grey = image.mode in GREY_MODES
    converted, conversions = _to_8_bits(image)
    if image.has_transparency_data:
        converted = _on_white(converted)
        conversions.append(Conversion.ALPHA)
    mode = {1: "L", 3: "RGB", None: "L" if is_grey else "RGB"}[channels]
    if is_grey and mode == "RGB":
        conversions.append(Conversion.GREY_TO_RGB)
    elif not is_grey and mode == "L":
        conversions.append(Conversion.RGB_TO_GREY)
    return (converted if converted.mode == mode else converted.convert(mode)), conversions


def _to_8_bits(image: Image.Image) -> tuple[Image.Image, list[Conversion]]:
    """Return the image in a mode with 8 bits per channel, with its transparency."""
    mode = image.mode
    if mode in ("L", "LA", "RGB", "RGBA"):
        return image, []
    if mode == "1":
        return image.convert("L"), [Conversion.ONE_BIT]
    if mode in ("P", "PA"):
        return image.convert("RGBA" if image.has_transparency_data else "RGB"), [Conversion.PALETTE]
    if mode in GREY_MODES:
        values = np.asarray(image)
        # PNG and PGM have at most 16 bits per value; some versions of Pillow widen them to 32.
        if mode.startswith("I;16") or (mode == "I" and image.format in ("PNG", "PPM")):
            return Image.fromarray(_rescale(values, 0, 65535)), [Conversion.SIXTEEN_BIT]
        return Image.fromarray(_rescale_unknown_range(values)), [Conversion.DEEP]
    if mode == "CMYK":
        return image.convert("RGB"), [Conversion.CMYK]
    return image.convert("RGBA" if image.has_transparency_data else "RGB"), [Conversion.OTHER_COLOURS]


def _rescale_unknown_range(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Convert values [H, W] to uint8: floats in [0, 1] times 255, [0, 255] unchanged, else minimum to maximum."""
    numbers = values.astype(np.float64)
    if not np.isfinite(numbers).all():
        raise SkipFile(SkipReason.DAMAGED, "some pixel values are NaN or infinite")
    low, high = float(numbers.min()), float(numbers.max())
    if low >= 0 and high <= 255:
        is_unit = values.dtype.kind == "f" and high <= 1
        return _rescale(numbers, 0, 1 if is_unit else 255)
    return _rescale(numbers, low, high)


def _rescale(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Map [low, high] to [0, 255], rounded."""
    span = (high - low) or 1.0
    numbers = (values.astype(np.float64) - low) * (255.0 / span)
    return np.rint(numbers).astype(np.uint8)


def _on_white(image: Image.Image) -> Image.Image:
    """Composite the image on white; a grey image stays grey."""
    foreground = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, foreground).convert("L" if image.mode in GREY_MODES else "RGB")
