"""Decode the bytes of one image file to pixels of the requested size.

Files are untrusted: neither the name nor the header is believed, and a decoder may raise any exception.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from ganache.core.images import Pixels
from ganache.data.colour_modes import apply_orientation, exif_orientation, to_grey_or_rgb
from ganache.data.conversions import Conversion
from ganache.data.decode_errors import check_png_checksums, decode_errors_as_skips
from ganache.data.resizing import FitMode, resize_to_fit
from ganache.data.skip_reasons import SkipFile, SkipReason
from ganache.errors import DataError

MAX_PIXELS = 100_000_000
"""Largest image that is decoded: more pixels than usual cameras produce, 300 MB of memory at three bytes each."""

MIN_SIDE = 8
"""Images with a shorter side, in pixels, are icons or tracking pixels."""

MAX_NATIVE_SIDE = 512
"""If no size is requested, images keep their own size up to this side; larger packs would fill the disk."""

DEFAULT_SIZE = (64, 64)
"""(height, width) if no size is requested and the images have different sizes."""

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "ICO", "JPEG2000", "AVIF", "QOI", "PCX", "SGI")
"""Formats that are decoded. Not among them: formats without a signature, and EPS, which would start a program."""


@dataclass(frozen=True)
class Target:
    """The shape that every image of a data set is converted to.

    None keeps what all images have in common: their size, and grey if all are grey. Cache keys of packs depend on
    this class's name and fields.
    """

    size: tuple[int, int] | None = None
    """(height, width) in pixels."""

    channels: Literal[1, 3] | None = None
    """1 for grey, 3 for RGB."""

    fit: FitMode = "crop"


@dataclass(frozen=True)
class DecodedImage:
    """A decoded image, and how the file stored it."""

    pixels: Pixels
    """uint8 [H, W, C]."""

    original_size: tuple[int, int]
    """(height, width) before resizing, after EXIF rotation."""

    original_mode: str
    """Pillow's name of the colour mode: "RGB", "L", "P", "CMYK", ..."""

    conversions: tuple[Conversion, ...]


def decode_image(data: bytes, target: Target) -> DecodedImage:
    """Decode the bytes of one file. Raises SkipFile, and no other exception, if the file is not usable."""
    if not data:
        raise SkipFile(SkipReason.EMPTY)
    check_png_checksums(data)
    with decode_errors_as_skips(data), Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MAX_PIXELS:
            raise SkipFile(SkipReason.BOMB, f"the header announces {image.width}x{image.height} pixels")
        mode, header_size, conversions = image.mode, (image.height, image.width), _header_conversions(image)
        size = target.size or (DEFAULT_SIZE if max(header_size) > MAX_NATIVE_SIDE else None)
        orientation = _load(image, size)
        # The header of a TIFF gives the size after rotation, every other header the stored size.
        original_size = header_size[::-1] if orientation >= 5 and image.format != "TIFF" else header_size
        _check_side(original_size, size)
        simple, colour_conversions = to_grey_or_rgb(apply_orientation(image, orientation), target.channels)
        resized, resize_conversions = resize_to_fit(simple, size or original_size, target.fit)
        pixels = np.asarray(resized)
    if orientation != 1:
        conversions.append(Conversion.ROTATED)
    conversions += colour_conversions + resize_conversions
    return DecodedImage(pixels if pixels.ndim == 3 else pixels[:, :, None], original_size, mode, tuple(conversions))


def read_picture(file: str | Path, size: tuple[int, int], channels: int, fit: FitMode = "crop") -> DecodedImage:
    """Read one image file and convert it like the images of a data set.

    `size` is (height, width) in pixels; `channels` 1 gives grey, any other number RGB. Raises DataError if the file
    cannot be read or decoded.
    """
    try:
        data = Path(file).read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read ({error}): give the path of an image file.") from None
    return decode_picture(data, size, channels, fit, str(file))


def decode_picture(
    data: bytes, size: tuple[int, int], channels: int, fit: FitMode = "crop", name: str = "The file"
) -> DecodedImage:
    """Decode the bytes of one image file as `read_picture` does; the DataError's sentence begins with `name`."""
    try:
        return decode_image(data, Target(size, 1 if channels == 1 else 3, fit))
    except SkipFile as skip:
        raise DataError(f"{name} cannot be used as a picture: {skip.detail}.") from None


def _load(image: Image.Image, size: tuple[int, int] | None) -> int:
    """Decode the pixels for an image of `size`, and return the EXIF orientation, 1 to 8."""
    if image.format == "TIFF":
        # Pillow rotates a TIFF while loading it, and drops the orientation tag.
        orientation = exif_orientation(image)
        image.load()
        return orientation
    if image.format == "JPEG" and size is not None:
        # libjpeg can decode at 1/2, 1/4 or 1/8 of the size; twice the requested size keeps the resampling sharp.
        image.draft(None, (2 * max(size), 2 * max(size)))
    image.load()
    # Only now: reading the EXIF of a PNG loads the image, and a decode error there would pass as an EXIF error.
    return exif_orientation(image)


def _header_conversions(image: Image.Image) -> list[Conversion]:
    """Return the conversions that only the header shows, not the loaded pixels."""
    conversions = []
    if getattr(image, "is_animated", False):
        conversions.append(Conversion.FIRST_FRAME)
    # Pillow has no 16-bit RGB mode: it keeps the high bytes, and only the decoder's arguments show it.
    if image.mode in ("RGB", "RGBA", "LA") and any(";16" in str(part.args) for part in getattr(image, "tile", ())):
        conversions.append(Conversion.SIXTEEN_BIT)
    return conversions


def _check_side(original_size: tuple[int, int], size: tuple[int, int] | None) -> None:
    """Raise SkipFile for an image smaller than MIN_SIDE, or smaller than half of `size`."""
    height, width = original_size
    if min(original_size) < MIN_SIDE:
        raise SkipFile(SkipReason.TOO_SMALL, f"{width}x{height} pixels; each side needs at least {MIN_SIDE}")
    if size is not None and (2 * height < size[0] or 2 * width < size[1]):
        raise SkipFile(SkipReason.TOO_SMALL, f"{width}x{height} pixels, less than half of {size[1]}x{size[0]}")
