"""Conversions that turn an image file into 8-bit pixels of the requested size."""

from __future__ import annotations

from enum import StrEnum


class Conversion(StrEnum):
    """One conversion that was applied to an image. The doctor counts them; packs store the counts."""

    GREY_TO_RGB = "grey to RGB"
    RGB_TO_GREY = "RGB to grey"
    PALETTE = "palette to RGB"
    CMYK = "CMYK to RGB"
    OTHER_COLOURS = "other colour space to RGB"
    ONE_BIT = "1 bit to 8 bits"
    SIXTEEN_BIT = "16 bits to 8 bits"
    DEEP = "32-bit or float values scaled to 8 bits"
    ALPHA = "transparency composited on white"
    ALPHA_OTHER = "transparency composited on data.background"
    ALPHA_IGNORED = "transparency ignored"
    ROTATED = "rotated upright (EXIF)"
    FIRST_FRAME = "first frame of several"
    CROPPED = "cropped to the aspect ratio"
    PADDED = "padded with black"
    STRETCHED = "stretched"
    REDUCED = "downscaled"
    ENLARGED = "upscaled"
