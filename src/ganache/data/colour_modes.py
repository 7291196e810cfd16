"""Convert an image of any colour mode and EXIF orientation to upright 8-bit grey, RGB or RGBA."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PIL import ExifTags, Image

from ganache.data import background
from ganache.data.conversions import Conversion
from ganache.data.decode_errors import DECODE_ERRORS
from ganache.data.value_range import DEFAULTS, Kind, Range

GREY_MODES = ("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")
FULL = DEFAULTS[Kind.EIGHT]
"""The range that leaves 8-bit values as they are."""

BAND_PIXELS = 2**20
"""Pixels that are converted at a time: a large picture and its intermediate results do not fit into memory together."""

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


_WITH_ORIENTATION = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}
"""Keys of what Pillow found in a file that can hold an orientation."""


def exif_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) to 8; 1 if there is none or it cannot be read."""
    if image.format == "JPEG" and not image.info.keys() & _WITH_ORIENTATION:
        return 1  # Pillow would take as long to find that out as to decode a small picture
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except DECODE_ERRORS:
        # An image with damaged EXIF data is still usable.
        return 1
    return value if value in _TRANSPOSE else 1


def apply_orientation(image: Image.Image, orientation: int) -> Image.Image:
    """Rotate and mirror the image so that it is upright."""
    return image if orientation == 1 else image.transpose(_TRANSPOSE[orientation])


def to_plain_mode(
    image: Image.Image,
    channels: Literal[1, 3, 4] | None,
    behind: str = background.WHITE,
    scale: Range = FULL,
) -> tuple[Image.Image, list[Conversion]]:
    """Return an image with 8 bits per channel in mode L, RGB or RGBA, and the conversions that were needed.

    `channels` 1 gives L, 3 RGB and 4 RGBA; None gives L for a grey image and RGB for a colour image. Transparent parts
    of L and RGB show the background `behind`; values are mapped from `scale` to [0, 255].
    """
    if image.mode in ("La", "RGBa"):
        image = image.convert(image.mode[:-1] + "A")
    is_clear = image.has_transparency_data
    is_grey = image.mode in GREY_MODES and (not is_clear or background.is_grey(behind))
    mode = {1: "L", 3: "RGB", 4: "RGBA", None: "L" if is_grey else "RGB"}[channels]
    conversions = _named(image.mode)
    if is_clear and mode != "RGBA":
        conversions.append(_BACKGROUNDS.get(behind, Conversion.ALPHA_OTHER))
    if image.mode in GREY_MODES and mode != "L":
        conversions.append(Conversion.GREY_TO_RGB)
    elif not is_grey and mode == "L":
        conversions.append(Conversion.RGB_TO_GREY)
    if image.mode == mode and (not is_clear or mode == "RGBA") and (scale is FULL or scale == FULL):
        return image, conversions
    rows = max(1, BAND_PIXELS // image.width)
    if rows >= image.height:
        return _band(image, mode, behind, scale, image.size, 0), conversions
    result = Image.new(mode, image.size)
    for top in range(0, image.height, rows):
        part = image.crop((0, top, image.width, min(image.height, top + rows)))
        result.paste(_band(part, mode, behind, scale, image.size, top), (0, top))
    return result, conversions


_CONVERSIONS = {"1": Conversion.ONE_BIT, "P": Conversion.PALETTE, "PA": Conversion.PALETTE, "CMYK": Conversion.CMYK}
_BACKGROUNDS = {background.WHITE: Conversion.ALPHA, background.IGNORE: Conversion.ALPHA_IGNORED}


def _named(mode: str) -> list[Conversion]:
    """Return the conversion from this mode to 8-bit grey or RGB."""
    return [] if mode in ("L", "LA", "RGB", "RGBA") else [_CONVERSIONS.get(mode, Conversion.OTHER_COLOURS)]


def _band(image: Image.Image, mode: str, behind: str, scale: Range, whole: tuple[int, int], top: int) -> Image.Image:
    """Return some rows of a picture in mode L, RGB or RGBA."""
    is_grey = image.mode in GREY_MODES
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        if scale != FULL:
            clear = clear.point(_table(scale) * 3 + list(range(256)))
        if mode == "RGBA":
            return clear
        image = background.composite(clear, behind, whole, top)
        if is_grey and background.is_grey(behind):
            image = image.convert("L")
    else:
        if image.mode not in ("L", "RGB"):
            image = image.convert("L" if is_grey else "RGB")
        if scale != FULL:
            image = image.point(_table(scale) * len(image.getbands()))
    return image if image.mode == mode else image.convert(mode)


def _table(scale: Range) -> list[int]:
    """Return the 8-bit value that each 8-bit value becomes."""
    return [int(value) for value in scale.to_pixels(np.arange(256))]
