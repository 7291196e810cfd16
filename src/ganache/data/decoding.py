"""Decode the bytes of one image file to pixels of the requested size.

Files are untrusted: neither the name nor the header is believed, and a decoder may raise any exception.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, JpegImagePlugin

from ganache.core import storage
from ganache.core.images import Pixels
from ganache.data import background, tiff_samples
from ganache.data.colour_modes import FULL, apply_orientation, exif_orientation, to_plain_mode
from ganache.data.conversions import Conversion
from ganache.data.decode_errors import check_png_checksums, decode_errors_as_skips
from ganache.data.decoding_cost import (
    MAX_PIXELS,
    bytes_of_image,
    bytes_of_tiff,
    one_large_at_a_time,
    require_few_scans,
    require_memory,
    require_short_header,
    require_small_icon,
)
from ganache.data.duplicates import difference_hash
from ganache.data.resizing import FitMode, resize_to_fit
from ganache.data.samples import Samples, is_deep, read_samples, scale_transparency
from ganache.data.skip_reasons import SkipFile, SkipReason
from ganache.data.tiff_samples import DeepTiff
from ganache.data.value_range import DEFAULTS, Histogram, Kind, Range, Ranges, decide
from ganache.errors import DataError

MIN_SIDE = 8
"""Images with a shorter side, in pixels, are icons or tracking pixels."""

MAX_NATIVE_SIDE = 512
"""If no size is requested, images keep their own size up to this side; larger packs would fill the disk."""

DEFAULT_SIZE = (64, 64)
"""(height, width) if no size is requested and the images have different sizes."""

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "ICO", "JPEG2000", "AVIF", "QOI", "PCX", "SGI")
"""Formats that are decoded. Not among them: formats without a signature, and EPS, which would start a program."""


_LARGEST_FILE = 2**28
"""Bytes of a file that the user names."""


_NONE: NDArray[np.int64] = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class Target:
    """The shape that every image of a data set is converted to.

    None keeps what all images have in common: their size, and grey if all are grey. Cache keys of packs depend on
    this class's name and fields.
    """

    size: tuple[int, int] | None = None
    """(height, width) in pixels."""

    channels: Literal[1, 3, 4] | None = None
    """1 for grey, 3 for RGB, 4 for RGB with transparency."""

    fit: FitMode = "crop"

    range: tuple[float, float] | None = None
    """The stored values of black and white; None finds them for each kind of values."""

    background: str = background.WHITE
    """What transparent parts show, see `background`."""

    def ranges(self) -> Ranges | None:
        """Return the range of every kind of values; None if they are to be found."""
        return None if self.range is None else dict.fromkeys(Kind, Range(*self.range))


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
    kind: Kind = Kind.EIGHT
    """The kind of values in the file."""

    histogram: Histogram = field(default_factory=Histogram)
    """The values in the file; for 8 bits the maximum of `pixels` only."""

    difference_hash: int = 0
    """See `duplicates`."""

    hidden: str = ""
    """The background that would show a picture whose transparency leaves one colour; "" for any other picture."""


@dataclass(frozen=True)
class _Loaded:
    """An image in memory at its own size, and what its file said."""

    image: Image.Image
    """8 bits per channel, in any mode."""

    orientation: int
    """How `image` must be turned, 1 to 8 as in EXIF."""

    header_orientation: int
    """How the file was stored; Pillow turns some images by itself."""

    conversions: list[Conversion]
    kind: Kind = Kind.EIGHT
    histogram: Histogram | None = None
    scale: Range = FULL
    """The range that 8-bit values of `image` still have to be mapped from."""


def decode_image(data: bytes, target: Target, ranges: Ranges | None = None) -> DecodedImage:
    """Decode the bytes of one file. Raises SkipFile, and no other exception, if the file is not usable.

    `ranges` are those of the data set; None takes the target's, or finds the range of this image alone.
    """
    if not data:
        raise SkipFile(SkipReason.EMPTY)
    ranges = ranges or target.ranges()
    check_png_checksums(data)
    require_small_icon(data)
    require_short_header(data)
    with decode_errors_as_skips(data):
        tiff = tiff_samples.read_header(data)
        decoded = _decode_tiff(tiff, data, target, ranges) if tiff else _decode(data, target, ranges)
    if ranges is None and decoded.kind == Kind.EIGHT and 0 < decoded.histogram.high <= 1:
        return decode_image(data, target, {**DEFAULTS, Kind.EIGHT: Range(0, 1)})
    return decoded


def _decode(data: bytes, target: Target, ranges: Ranges | None) -> DecodedImage:
    """Decode a file that Pillow reads."""
    with _opened(data) as image:
        require_few_scans(image, data)
        mode, header_size = image.mode, (image.height, image.width)
        size = _size(target, header_size)
        is_large = image.width * image.height > MAX_PIXELS
        is_drafted = image.format == "JPEG" or (image.format == "MPO" and is_large)
        if size is not None and min(header_size) >= 4 * max(size) and is_drafted:
            # libjpeg can decode at 1/2, 1/4 or 1/8 of the size; twice the requested size keeps the resampling sharp.
            image.draft(None, (2 * max(size), 2 * max(size)))
        needed = bytes_of_image(image, data, header_size, size or header_size, target.channels)
        require_memory(needed, image.width, image.height, header_size)
        with one_large_at_a_time(needed):
            loaded = _load(image, data, ranges)
            # The header of a TIFF gives the size after rotation, every other header the stored size.
            is_turned = loaded.header_orientation >= 5 and image.format != "TIFF"
            return _finish(loaded, mode, header_size[::-1] if is_turned else header_size, size, target)


def _decode_tiff(tiff: DeepTiff, data: bytes, target: Target, ranges: Ranges | None) -> DecodedImage:
    """Decode a TIFF with values of more than 8 bits."""
    original_size = (tiff.width, tiff.height) if tiff.orientation >= 5 else (tiff.height, tiff.width)
    size = _size(target, original_size)
    needed = bytes_of_tiff(tiff, data, size or original_size, target.channels)
    require_memory(needed, tiff.width, tiff.height)
    conversions = [Conversion.FIRST_FRAME] if tiff.has_more_pages else []
    with one_large_at_a_time(needed):
        loaded = _scaled(tiff_samples.read_values(tiff, data), conversions, ranges)
        return _finish(loaded, tiff.mode, original_size, size, target)


def _opened(data: bytes) -> ImageFile.ImageFile:
    """Open an image. Pillow refuses very large ones; of these, a JPEG can still be decoded at a smaller size."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        if not data.startswith(b"\xff\xd8\xff"):
            raise
        return JpegImagePlugin.JpegImageFile(io.BytesIO(data))


def _size(target: Target, original: tuple[int, int]) -> tuple[int, int] | None:
    """Return the (height, width) that an image is resized to; None if it keeps its own."""
    return target.size or (DEFAULT_SIZE if max(original) > MAX_NATIVE_SIDE else None)


def _load(image: ImageFile.ImageFile, data: bytes, ranges: Ranges | None) -> _Loaded:
    """Decode the values of an opened image."""
    conversions = _header_conversions(image)
    if is_deep(image):
        return _scaled(read_samples(image, data), conversions, ranges)
    if image.format == "PNG":
        scale_transparency(image)
    if image.format == "TIFF":
        # Pillow rotates a TIFF while loading it, and drops the orientation tag.
        orientation = exif_orientation(image)
        image.load()
        return _Loaded(image, 1, orientation, conversions, scale=FULL if ranges is None else ranges[Kind.EIGHT])
    image.load()
    # Only now: reading the EXIF of a PNG loads the image, and a decode error there would pass as an EXIF error.
    orientation = exif_orientation(image)
    return _Loaded(image, orientation, orientation, conversions, scale=FULL if ranges is None else ranges[Kind.EIGHT])


def _scaled(samples: Samples, conversions: list[Conversion], ranges: Ranges | None) -> _Loaded:
    """Scale values of more than 8 bits to 8 bits."""
    histogram, kind = samples.histogram(), samples.kind
    scale = decide(kind, histogram) if ranges is None else ranges[kind]
    if samples.values.shape[2] == 4:
        scale = DEFAULTS[kind]  # amounts of ink, which are no brightness
    named = {Kind.EIGHT: [], Kind.SIXTEEN: [Conversion.SIXTEEN_BIT]}.get(kind, [Conversion.DEEP])
    turn = samples.orientation
    return _Loaded(samples.to_image(scale), turn, turn, [*conversions, *named], kind, histogram)


def _finish(
    loaded: _Loaded, mode: str, original_size: tuple[int, int], size: tuple[int, int] | None, target: Target
) -> DecodedImage:
    """Bring an image to the target's colours and size."""
    _check_side(original_size, size)
    simple, conversions = to_plain_mode(loaded.image, target.channels, target.background, loaded.scale)
    upright = apply_orientation(simple, loaded.orientation)
    resized, resize_conversions = resize_to_fit(upright, size or original_size, target.fit)
    if resized.mode == "RGBA":
        resized = background.behind_clear(resized, target.background)
    pixels = np.frombuffer(resized.tobytes(), np.uint8).reshape(resized.height, resized.width, -1)
    is_eight = loaded.kind == Kind.EIGHT
    turned = [Conversion.ROTATED] if loaded.header_orientation != 1 else []
    return DecodedImage(
        pixels,
        original_size,
        mode,
        (*loaded.conversions, *turned, *conversions, *resize_conversions),
        loaded.kind,
        _largest(pixels) if is_eight or loaded.histogram is None else loaded.histogram,
        difference_hash(resized),
        _hidden_by(loaded.image, pixels, target.background) if conversions else "",
    )


def _largest(pixels: Pixels) -> Histogram:
    """Return the largest value, which decides whether these are masks; the others are not counted, to save time."""
    return Histogram(0, int(np.maximum.reduce(pixels.ravel())), _NONE, _NONE)


def _hidden_by(image: Image.Image, pixels: Pixels, behind: str) -> str:
    """Return the background that shows a picture whose transparency left one colour, or ""."""
    if not image.has_transparency_data or behind == background.IGNORE or (pixels != pixels[0, 0]).any():
        return ""
    if image.convert("RGBA").getchannel("A").getextrema() == (0, 0):
        return background.IGNORE
    return background.WHITE if behind == background.BLACK else background.BLACK


def read_picture(
    file: str | Path,
    size: tuple[int, int],
    channels: int,
    fit: FitMode = "crop",
    value_range: tuple[float, float] | None = None,
    behind: str = background.WHITE,
    of_set: Callable[[], Ranges] = dict,
) -> DecodedImage:
    """Read one image file and convert it like the images of a data set.

    `size` is (height, width) in pixels; `channels` 1 gives grey, 4 RGB with transparency, any other number RGB;
    `value_range` and `behind` are the settings data.range and data.background. `of_set` returns the ranges of the data
    set; it is called only for an image whose values have to be scaled, and an image of a kind that the set lacks is
    scaled by its own values. Raises DataError if the file cannot be read or decoded.
    """
    try:
        data = storage.read_bytes(Path(file), _LARGEST_FILE, follow=True)
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read ({error}): give the path of an image file.") from None
    return decode_picture(data, size, channels, fit, str(file), value_range, behind, of_set)


def decode_picture(
    data: bytes,
    size: tuple[int, int],
    channels: int,
    fit: FitMode = "crop",
    name: str = "The file",
    value_range: tuple[float, float] | None = None,
    behind: str = background.WHITE,
    of_set: Callable[[], Ranges] = dict,
) -> DecodedImage:
    """Decode the bytes of one image file as `read_picture` does; the DataError's sentence begins with `name`."""
    target = Target(size, 1 if channels == 1 else 4 if channels == 4 else 3, fit, value_range, behind)
    try:
        decoded = decode_image(data, target)
        if value_range is None and (decoded.kind != Kind.EIGHT or decoded.histogram.high <= 1):
            ranges = of_set()
            return decode_image(data, target, {**DEFAULTS, **ranges}) if decoded.kind in ranges else decoded
        return decoded
    except SkipFile as skip:
        raise DataError(f"{name} cannot be used as a picture: {skip.detail}.") from None


def _header_conversions(image: Image.Image) -> list[Conversion]:
    """Return the conversions that only the header shows, not the loaded pixels."""
    conversions = []
    if getattr(image, "is_animated", False):
        conversions.append(Conversion.FIRST_FRAME)
    # Pillow has no 16-bit RGB mode: it keeps the high bytes, and only the decoder's arguments show it.
    if not is_deep(image) and any(";16" in str(part.args) for part in getattr(image, "tile", ())):
        conversions.append(Conversion.SIXTEEN_BIT)
    return conversions


def _check_side(original_size: tuple[int, int], size: tuple[int, int] | None) -> None:
    """Raise SkipFile for an image smaller than MIN_SIDE, or smaller than half of `size`."""
    height, width = original_size
    if min(original_size) < MIN_SIDE:
        raise SkipFile(SkipReason.TOO_SMALL, f"{width}x{height} pixels; each side needs at least {MIN_SIDE}")
    if size is not None and (2 * height < size[0] or 2 * width < size[1]):
        raise SkipFile(SkipReason.TOO_SMALL, f"{width}x{height} pixels, less than half of {size[1]}x{size[0]}")
