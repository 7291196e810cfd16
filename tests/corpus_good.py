"""Makes unusual but usable image files, each with the pixels and conversions that decoding must give.

They all show `corpus.PICTURE`, so that one comparison serves them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from corpus import GREY, PICTURE, RGB, SIDE, encoded, png_of
from ganache.data.conversions import Conversion

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Good:
    """A file that must decode to these pixels, uint8 [32, 32, 3], within `tolerance`, with these conversions."""

    data: bytes
    conversions: tuple[Conversion, ...] = ()
    pixels: Pixels | None = None
    """The expected pixels; None for PICTURE."""
    tolerance: int = 0

    def expected(self) -> Pixels:
        return PICTURE if self.pixels is None else self.pixels


def good_files() -> dict[str, Good]:
    """Return {name: file} of all usable files."""
    return named() | plain() | grey() | coloured() | clear() | of_several() | turned() | sized()


JPEG = encoded(RGB, "JPEG", quality=95, subsampling=0)
PNG = encoded(RGB, "PNG")
PALETTE = RGB.quantize(64)
PALETTE_PIXELS = np.asarray(PALETTE.convert("RGB"))

LOSSY = 12
"""Largest error of a JPEG of this image."""


def named() -> dict[str, Good]:
    """File names with no extension or a wrong one."""
    return {
        "SHOUTING.PNG": Good(PNG),
        "png-called.jpg": Good(PNG),
        "jpg-called.png": Good(JPEG, tolerance=LOSSY),
        "no-suffix": Good(PNG),
        "two.dots.in.name.png": Good(PNG),
        "ünïcödé 顔 🙂.png": Good(PNG),
        "new\nline.png": Good(PNG),
    }


def plain() -> dict[str, Good]:
    """One file in each supported format."""
    progressive = encoded(RGB, "JPEG", quality=95, progressive=True, subsampling=0)
    return {
        "plain.png": Good(PNG),
        "photo.jpg": Good(JPEG, tolerance=LOSSY),
        "progressive.jpg": Good(progressive, tolerance=LOSSY),
        "bitmap.bmp": Good(encoded(RGB, "BMP")),
        "plain.webp": Good(encoded(RGB, "WEBP", lossless=True)),
        "plain.tif": Good(encoded(RGB, "TIFF")),
        "packed.tif": Good(encoded(RGB, "TIFF", compression="tiff_lzw")),
        "plain.ppm": Good(encoded(RGB, "PPM")),
        "plain.pcx": Good(encoded(RGB, "PCX")),
        "plain.sgi": Good(encoded(RGB, "SGI")),
        "plain.jp2": Good(encoded(RGB, "JPEG2000")),
        "garbage-after.jpg": Good(JPEG + b"garbage" * 100, tolerance=LOSSY),
        "garbage-after.png": Good(PNG + b"garbage"),
        "broken-exif.png": Good(encoded(RGB, "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")),
    }


def grey3(image: Image.Image) -> Pixels:
    """Return the RGB pixels that a grey image must decode to."""
    return np.repeat(np.asarray(image)[..., None], 3, axis=2)


def grey() -> dict[str, Good]:
    """Grey images of every bit depth."""
    values = np.asarray(GREY)
    deep = Image.fromarray(values.astype(np.uint16) * 257)
    unit = Image.fromarray((values / 255).astype(np.float32))
    wide = Image.fromarray(values.astype(np.int32) * 1000 - 50_000)
    offset = values.astype(float) - values.min()
    stretched = np.rint(offset * 255 / offset.max()).astype(np.uint8)
    bits = GREY.convert("1")
    rgb, same = Conversion.GREY_TO_RGB, grey3(GREY)
    return {
        "grey.png": Good(encoded(GREY, "PNG"), (rgb,), same),
        "one-bit.png": Good(encoded(bits, "PNG"), (Conversion.ONE_BIT, rgb), grey3(bits.convert("L"))),
        "grey16.png": Good(encoded(deep, "PNG"), (Conversion.SIXTEEN_BIT, rgb), same),
        "grey16.tif": Good(encoded(deep, "TIFF"), (Conversion.SIXTEEN_BIT, rgb), same),
        "grey16.pgm": Good(encoded(deep, "PPM"), (Conversion.SIXTEEN_BIT, rgb), same),
        "decimal.tif": Good(encoded(unit, "TIFF"), (Conversion.DEEP, rgb), same),
        "int32.tif": Good(encoded(wide, "TIFF"), (Conversion.DEEP, rgb), grey3(Image.fromarray(stretched)), 1),
    }


def coloured() -> dict[str, Good]:
    """Colour images that are not 8-bit RGB."""
    cmyk = RGB.convert("CMYK")
    deep = (PICTURE.astype(">u2") * 257).reshape(SIDE, -1)
    rgb16 = png_of(SIDE, SIDE, 16, 2, b"".join(b"\0" + row.tobytes() for row in deep))
    return {
        "rgb16.png": Good(rgb16, (Conversion.SIXTEEN_BIT,)),
        "cmyk.tif": Good(encoded(cmyk, "TIFF"), (Conversion.CMYK,), tolerance=1),
        "cmyk.jpg": Good(encoded(cmyk, "JPEG", quality=100), (Conversion.CMYK,), tolerance=LOSSY),
        "ycbcr.tif": Good(encoded(RGB.convert("YCbCr"), "TIFF"), (Conversion.OTHER_COLOURS,), tolerance=3),
        "palette.png": Good(encoded(PALETTE, "PNG"), (Conversion.PALETTE,), PALETTE_PIXELS),
        "still.gif": Good(encoded(PALETTE, "GIF"), (Conversion.PALETTE,), PALETTE_PIXELS),
    }


def _on_white(pixels: NDArray[Any], alpha: NDArray[Any]) -> Pixels:
    """Return alpha * picture + (1 - alpha) * white, the "over" operator, for alpha [32, 32] from 0 to 255."""
    share = alpha[..., None] / 255
    return np.rint(share * pixels + (1 - share) * 255).astype(np.uint8)


def clear() -> dict[str, Good]:
    """Transparency as an alpha channel, as a transparent colour, and in a palette."""
    alpha = np.full((SIDE, SIDE), 255, dtype=np.uint8)
    alpha[:, :16] = 0
    alpha[0, 20] = 128
    rgba, grey_alpha = RGB.convert("RGBA"), GREY.convert("LA")
    rgba.putalpha(Image.fromarray(alpha))
    grey_alpha.putalpha(Image.fromarray(alpha))
    entry = int(np.asarray(PALETTE)[0, 0])
    corner = tuple(int(value) for value in PICTURE[0, 0])
    not_entry = np.where(np.asarray(PALETTE) == entry, 0, 255)
    not_corner = np.where((np.asarray(corner) == PICTURE).all(axis=-1), 0, 255)
    grey_conversions = (Conversion.ALPHA, Conversion.GREY_TO_RGB)
    return {
        "clear.png": Good(encoded(rgba, "PNG"), (Conversion.ALPHA,), _on_white(PICTURE, alpha), 1),
        "clear-grey.png": Good(encoded(grey_alpha, "PNG"), grey_conversions, _on_white(grey3(GREY), alpha), 1),
        "clear-colour.png": Good(
            encoded(RGB, "PNG", transparency=corner), (Conversion.ALPHA,), _on_white(PICTURE, not_corner)
        ),
        "clear-palette.png": Good(
            encoded(PALETTE, "PNG", transparency=entry),
            (Conversion.PALETTE, Conversion.ALPHA),
            _on_white(PALETTE_PIXELS, not_entry),
        ),
        "icon.ico": Good(encoded(RGB.convert("RGBA"), "ICO", sizes=[(SIDE, SIDE)]), (Conversion.ALPHA,)),
    }


def of_several() -> dict[str, Good]:
    """Animations and other files with several images, of which the first is used."""
    others = [RGB.transpose(Image.Transpose.ROTATE_90), RGB.transpose(Image.Transpose.ROTATE_180)]
    frames: dict[str, Any] = {"save_all": True, "append_images": others}
    gif = encoded(PALETTE, "GIF", save_all=True, append_images=[PALETTE.rotate(90)])
    copies = [image.copy() for image in others]
    mpo = encoded(RGB, "MPO", quality=95, subsampling=0, save_all=True, append_images=copies)
    first = (Conversion.FIRST_FRAME,)
    return {
        "moving.gif": Good(gif, (Conversion.FIRST_FRAME, Conversion.PALETTE), PALETTE_PIXELS),
        "moving.webp": Good(encoded(RGB, "WEBP", lossless=True, **frames), first),
        "moving.png": Good(encoded(RGB, "PNG", **frames), first),
        "pages.tif": Good(encoded(RGB, "TIFF", **frames), first),
        "two-lenses.mpo": Good(mpo, first, tolerance=LOSSY),
    }


def _exif(orientation: int) -> bytes:
    """Return EXIF data with only an orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def turned() -> dict[str, Good]:
    """Files stored rotated or mirrored: after applying the EXIF orientation they show PICTURE."""
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    files = {}
    for orientation, turn in stored.items():
        exif = _exif(orientation)
        image = RGB.transpose(turn)
        files[f"turned-{orientation}.png"] = Good(encoded(image, "PNG", exif=exif), (Conversion.ROTATED,))
        files[f"turned-{orientation}.tif"] = Good(
            encoded(image, "TIFF", tiffinfo={0x0112: orientation}), (Conversion.ROTATED,)
        )
        jpeg = encoded(image, "JPEG", quality=95, subsampling=0, exif=exif)
        files[f"turned-{orientation}.jpg"] = Good(jpeg, (Conversion.ROTATED,), tolerance=LOSSY)
    return files


def sized() -> dict[str, Good]:
    """Images of another size than requested."""
    wide = Image.new("RGB", (48, SIDE), "red")
    wide.paste(RGB, (8, 0))
    tall_and_turned = wide.transpose(Image.Transpose.ROTATE_90)
    large = RGB.resize((256, 256), Image.Resampling.BICUBIC)
    small = RGB.resize((16, 16), Image.Resampling.BOX)
    return {
        "wide.png": Good(encoded(wide, "PNG"), (Conversion.CROPPED,)),
        "wide-turned.png": Good(
            encoded(tall_and_turned, "PNG", exif=_exif(6)), (Conversion.CROPPED, Conversion.ROTATED)
        ),
        "large.png": Good(encoded(large, "PNG"), (Conversion.REDUCED,), tolerance=12),
        "large.jpg": Good(encoded(large, "JPEG", quality=95), (Conversion.REDUCED,), tolerance=14),
        "small.png": Good(encoded(small, "PNG"), (Conversion.ENLARGED,), tolerance=14),
    }
