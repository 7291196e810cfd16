"""Conversions that turn an image file into 8-bit pixels of the requested size."""

from __future__ import annotations

from enum import StrEnum


class Conversion(StrEnum):
    """One conversion that was applied to an image. The doctor counts them; packs store the values."""

    GREY_TO_RGB = "grey made RGB"
    RGB_TO_GREY = "RGB made grey"
    PALETTE = "palette resolved"
    CMYK = "CMYK made RGB"
    OTHER_COLOURS = "other colour space made RGB"
    ONE_BIT = "1 bit made 8"
    SIXTEEN_BIT = "16 bits made 8"
    DEEP = "32-bit or decimal values scaled to 8 bits"
    ALPHA = "transparency laid on white"
    ROTATED = "turned upright (EXIF)"
    FIRST_FRAME = "first picture of several taken"
    CROPPED = "cut to the shape in the middle"
    PADDED = "padded with black"
    STRETCHED = "stretched"
    REDUCED = "made smaller"
    ENLARGED = "made larger"
