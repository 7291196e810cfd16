"""Stored values before they become 8-bit pixels: pictures with 16 or 32 bits per value, or with floats."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from ganache.core.images import Pixels
from ganache.data.skip_reasons import SkipFile, SkipReason
from ganache.data.value_range import BLOCK, Histogram, Kind, Range, kind_of

DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
"""Pillow's modes with more than 8 bits per value."""


@dataclass(frozen=True)
class Samples:
    """The values of one picture as the file stores them."""

    values: NDArray[Any]
    """Integers or floats [H, W, C]; C is 1 for grey and 3 for RGB."""

    alpha: Pixels | None = None
    """Opacity uint8 [H, W], 255 is opaque; None if every pixel is opaque."""

    inverted: bool = False
    """Whether the smallest value is white."""

    no_data: float | None = None
    """The value of pixels that were not measured; they become black."""

    @property
    def kind(self) -> Kind:
        """The kind of values, which decides which range applies."""
        return kind_of(self.values.dtype)

    def histogram(self) -> Histogram:
        """Return the histogram of all values. Raises SkipFile if some are NaN or infinite."""
        try:
            return Histogram.of(self.values, self.no_data)
        except ValueError as error:
            raise SkipFile(SkipReason.DAMAGED, str(error)) from error

    def to_image(self, scale: Range) -> Image.Image:
        """Return the values scaled to 8 bits: mode L or RGB, or LA or RGBA with transparency."""
        pixels = scale.to_pixels(self.values)
        if self.inverted:
            np.subtract(255, pixels, out=pixels)
        if self.no_data is not None:
            pixels[self.values == self.values.dtype.type(self.no_data)] = 0
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        if self.alpha is not None:
            image.putalpha(Image.fromarray(self.alpha))
        return image


def is_deep(image: Image.Image) -> bool:
    """Whether the opened image has more than 8 bits per value; Pillow keeps the upper 8 of 16-bit RGB."""
    return image.mode in DEEP_MODES or (image.format == "PNG" and _raw_mode(image).endswith(";16B"))


def read_samples(image: Image.Image, data: bytes) -> Samples:
    """Return the values of an opened image for which `is_deep` holds; `data` are the bytes of its file."""
    if image.mode in DEEP_MODES:
        image.load()
        values = np.asarray(image)
        # PNG and PGM have at most 16 bits per value; Pillow widens some of them to 32.
        if image.mode == "I" and image.format in ("PNG", "PPM"):
            values = values.astype(np.uint16)
        return Samples(values[:, :, None], _alpha_of_colour(values[:, :, None], image.info.get("transparency")))
    if _raw_mode(image) == "LA;16B":
        # Read as four channels of 8 bits: the two bytes of the grey value and of its opacity.
        octets = np.asarray(_loaded(image, data, "RGBA"))
        return Samples(_words(octets[:, :, 0], octets[:, :, 1])[:, :, None], octets[:, :, 2].copy())
    return _read_rgb(image, data)


def _read_rgb(image: Image.Image, data: bytes) -> Samples:
    """Return 16-bit RGB values, from two passes of the decoder: one keeps the upper bytes, one the lower bytes."""
    values = np.empty((image.height, image.width, 3), dtype=np.uint16)
    transparent, has_alpha, alpha = image.info.get("transparency"), image.mode == "RGBA", None
    # The file has big-endian values: of two bytes, taken for little-endian, Pillow keeps the other one.
    for raw_mode, shift in ((f"{image.mode};16B", 8), (f"{image.mode};16L", 0)):
        loaded = _loaded(image, data, raw_mode)
        rows = max(1, BLOCK // image.width)
        for top in range(0, image.height, rows):
            block = np.asarray(loaded.crop((0, top, image.width, min(image.height, top + rows))))[:, :, :3]
            if shift:
                values[top : top + rows] = block.astype(np.uint16) << 8
            else:
                values[top : top + rows] |= block
        if has_alpha and shift:
            alpha = np.asarray(loaded.getchannel("A"))
        loaded.close()
    return Samples(values, alpha if has_alpha else _alpha_of_colour(values, transparent))


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


def _words(upper: Pixels, lower: Pixels) -> NDArray[np.uint16]:
    """Return 16-bit values from their bytes."""
    words: NDArray[np.uint16] = np.stack([lower, upper], axis=-1).view("<u2")[..., 0]
    return words


def _alpha_of_colour(values: NDArray[Any], colour: Any) -> Pixels | None:
    """Return the opacity of a picture in which one value, or one (red, green, blue), is transparent."""
    if not isinstance(colour, int | tuple) or (isinstance(colour, tuple) and len(colour) != values.shape[2]):
        return None
    return np.where((values == np.asarray(colour)).all(axis=2), 0, 255).astype(np.uint8)
