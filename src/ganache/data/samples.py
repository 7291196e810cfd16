"""Stored values before they become 8-bit pixels: pictures with 16 or 32 bits per value, or with floats."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from ganache.core.images import Pixels
from ganache.data.colour_modes import exif_orientation
from ganache.data.skip_reasons import SkipFile, SkipReason
from ganache.data.value_range import BLOCK, Histogram, Kind, Range, kind_of

DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's modes with more than 8 bits per value."""


@dataclass(frozen=True)
class Samples:
    """The values of one picture as the file stores them."""

    values: NDArray[Any]
    """Integers or floats [H, W, C]; C is 1 for grey, 3 for RGB, 4 for CMYK."""

    alpha: Pixels | None = None
    """Opacity uint8 [H, W], 255 is opaque; None if every pixel is opaque."""

    inverted: bool = False
    """Whether the smallest value is white."""

    no_data: float | None = None
    """The value of pixels that were not measured; they become black."""

    orientation: int = 1
    """How the picture must be turned, 1 to 8 as in EXIF."""

    @property
    def kind(self) -> Kind:
        """The kind of values, which decides which range applies."""
        return kind_of(self.values.dtype)

    def histogram(self) -> Histogram:
        """Return the histogram of all values. Raises SkipFile if some are NaN or infinite."""
        try:
            return Histogram.of(self.values, self.no_data)
        except ValueError as error:
            raise SkipFile(SkipReason.DAMAGED, f"{error}: replace them, such as with numpy.nan_to_num") from error

    def to_image(self, scale: Range) -> Image.Image:
        """Return the values scaled to 8 bits: mode L or RGB, or LA or RGBA with transparency; or CMYK."""
        pixels = scale.to_pixels(self.values)
        if pixels.shape[2] == 4:
            return Image.frombytes("CMYK", pixels.shape[1::-1], pixels.tobytes())
        if self.inverted:
            np.subtract(255, pixels, out=pixels)
        if self.no_data is not None:
            for row, found in zip(pixels, self.values, strict=True):
                row[found == found.dtype.type(self.no_data)] = 0
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        if self.alpha is not None:
            image.putalpha(Image.fromarray(self.alpha))
        return image


def is_deep(image: Image.Image) -> bool:
    """Whether the opened image has more than 8 bits per value; Pillow keeps the upper 8 of 16-bit RGB."""
    return image.mode in DEEP_MODES or (image.format == "PNG" and _raw_mode(image).endswith(";16B"))


def read_samples(image: Image.Image, data: bytes) -> Samples:
    """Return the values of an opened image for which `is_deep` holds, and close it; `data` is the file's content."""
    if image.mode in DEEP_MODES:
        image.load()
        orientation, colour = exif_orientation(image), image.info.get("transparency")
        # PNG and PGM have at most 16 bits per value; Pillow widens some of them to 32.
        is_wide = image.mode == "I" and image.format in ("PNG", "PPM")
        values = read_array(image, np.dtype(np.uint16) if is_wide else None)
        return Samples(values, _alpha_of_colour(values, colour), orientation=orientation)
    if _raw_mode(image) == "LA;16B":
        # Read as four channels of 8 bits: the two bytes of the grey value and of its opacity.
        loaded = _loaded(image, data, "RGBA")
        orientation, octets = exif_orientation(loaded), read_array(loaded)
        words = np.ascontiguousarray(octets[:, :, :2]).view(">u2").astype(np.uint16)
        return Samples(words, octets[:, :, 2].copy(), orientation=orientation)
    return _read_rgb(image, data)


def read_array(image: Image.Image, dtype: np.dtype[Any] | None = None) -> NDArray[Any]:
    """Return the values of a loaded image [H, W, C] as `dtype`, and close it. Copies are made of a few rows only."""
    rows = max(1, BLOCK // image.width)
    array = np.empty(0)
    for top in range(0, image.height, rows):
        part = np.asarray(image.crop((0, top, image.width, min(image.height, top + rows))))
        part = part if part.ndim == 3 else part[:, :, None]
        if top == 0:
            array = np.empty((image.height, *part.shape[1:]), dtype or part.dtype)
        array[top : top + rows] = part
    image.close()
    return array


def _read_rgb(image: Image.Image, data: bytes) -> Samples:
    """Return 16-bit RGB values, from two passes of the decoder: one keeps the upper bytes, one the lower bytes."""
    # The file has big-endian values: of two bytes, taken for little-endian, Pillow keeps the other one.
    upper = _loaded(image, data, f"{image.mode};16B")
    orientation, upper_bytes = exif_orientation(upper), read_array(upper)
    values = upper_bytes[:, :, :3].astype(np.uint16)
    alpha = upper_bytes[:, :, 3].copy() if image.mode == "RGBA" else None
    del upper_bytes
    values <<= 8
    values |= read_array(_loaded(image, data, f"{image.mode};16L"))[:, :, :3]
    if alpha is None:
        alpha = _alpha_of_colour(values, image.info.get("transparency"))
    return Samples(values, alpha, orientation=orientation)


def scale_transparency(image: Image.Image) -> None:
    """Correct the transparent value of a grey PNG with 2 or 4 bits: Pillow scales the pixels to 8 bits, but not it."""
    factor = {"L;2": 85, "L;4": 17}.get(_raw_mode(image))
    if factor and isinstance(image.info.get("transparency"), int):
        image.info["transparency"] *= factor


def _raw_mode(image: Image.Image) -> str:
    """Return the layout of the values in the file, in Pillow's words: "RGB;16B"; "" if there is none."""
    tiles = getattr(image, "tile", ())
    arguments = tiles[0].args if tiles and len(tiles[0]) > 3 else ""
    first = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    return first if isinstance(first, str) else ""


def _loaded(image: Image.Image, data: bytes, raw_mode: str) -> Image.Image:
    """Open the file of `image` again, and decode it with its values in another layout of the same length."""
    again = Image.open(io.BytesIO(data), formats=[image.format or ""])
    assert isinstance(again, ImageFile.ImageFile)
    first = again.tile[0]
    arguments = (raw_mode, *first.args[1:]) if isinstance(first.args, tuple) else raw_mode
    again.tile = [first._replace(args=arguments), *again.tile[1:]]
    again.load()
    return again


def _alpha_of_colour(values: NDArray[Any], colour: Any) -> Pixels | None:
    """Return the opacity of a picture in which one value, or one (red, green, blue), is transparent."""
    if not isinstance(colour, int | tuple) or (isinstance(colour, tuple) and len(colour) != values.shape[2]):
        return None
    alpha = np.full(values.shape[:2], 255, dtype=np.uint8)
    for row, opacity in zip(values, alpha, strict=True):
        opacity[(row == np.asarray(colour)).all(axis=1)] = 0
    return alpha
