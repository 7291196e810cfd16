"""How much memory decoding a picture takes, known from its header, and the limits on it."""

from __future__ import annotations

import re
import threading
from contextlib import AbstractContextManager, nullcontext

from PIL import Image, JpegImagePlugin

from ganache.data.colour_modes import GREY_MODES
from ganache.data.samples import DEEP_MODES, is_deep
from ganache.data.skip_reasons import SkipFile, SkipReason
from ganache.data.tiff_samples import DeepTiff

MAX_PIXELS = 100_000_000
"""Largest image that is decoded: more pixels than usual cameras produce. A JPEG counts as large as it is decoded."""

MAX_DECODED_BYTES = 768 * 2**20
"""Largest memory for decoding one picture, with all copies that exist at the same time."""

LARGE_BYTES = 64 * 2**20
"""Pictures that need more memory are decoded one at a time."""

MAX_SCANS = 200
"""Passes over a progressive JPEG. Encoders write about ten; each one takes as long as a whole picture."""

LONGEST_HEADER = 2**16
"""Bytes before the pixels of a PPM, with its comments."""

_large, _no_lock = threading.RLock(), nullcontext()

_DECODER_BYTES = {"WEBP": 17.0, "AVIF": 13.0}
"""Bytes per pixel of decoders that hold several copies. They are measured, like the other numbers in this file."""


def one_large_at_a_time(needed: int) -> AbstractContextManager[object]:
    """Return a context in which no other thread works on a large picture, if `needed` bytes make this one large too."""
    return _large if needed > LARGE_BYTES else _no_lock


def require_memory(needed: int, width: int, height: int, full_size: tuple[int, int] | None = None) -> None:
    """Raise SkipFile if a picture has too many pixels, or needs more bytes than MAX_DECODED_BYTES.

    Width and height are those at which it is decoded; `full_size` (height, width) is named instead, if it differs.
    """
    if width * height <= MAX_PIXELS and needed <= MAX_DECODED_BYTES:
        return
    shown = f"{full_size[1]}x{full_size[0]}" if full_size else f"{width}x{height}"
    if width * height > MAX_PIXELS:
        raise SkipFile(SkipReason.BOMB, f"the header announces {shown} pixels, more than {MAX_PIXELS // 10**6} million")
    raise SkipFile(
        SkipReason.BOMB,
        f"decoding its {shown} pixels takes {needed / 2**20:,.0f} MiB, more than {MAX_DECODED_BYTES // 2**20} MiB: "
        "save it with fewer pixels",
    )


def require_few_scans(image: Image.Image, data: bytes) -> None:
    """Raise SkipFile for a JPEG with so many scans that decoding takes minutes."""
    is_slow = image.info.get("progressive") or image.width * image.height > 10**6 or len(data) > 2**18
    if is_slow and data.startswith(b"\xff\xd8\xff") and (scans := data.count(b"\xff\xda")) > MAX_SCANS:
        raise SkipFile(SkipReason.BOMB, f"the JPEG consists of {scans:,} scans, more than {MAX_SCANS}")


def require_small_icon(data: bytes) -> None:
    """Raise SkipFile for an icon with large pictures inside: Pillow decodes them as soon as it opens the file.

    So they must be small enough to be decoded at the same time as others.
    """
    if data.startswith(b"\0\0\1\0"):
        for entry in range(int.from_bytes(data[4:6], "little")):
            offset = int.from_bytes(data[6 + 16 * entry + 12 : 6 + 16 * entry + 16], "little")
            head = data[offset : offset + 24]
            if head.startswith(b"\x89PNG"):
                width, height = int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
            else:
                width, height = int.from_bytes(head[4:8], "little"), int.from_bytes(head[8:12], "little")
            if 16 * width * height > LARGE_BYTES:
                raise SkipFile(SkipReason.BOMB, f"an icon with {width}x{height} pixels: save it as PNG")


def require_short_header(data: bytes) -> None:
    """Raise SkipFile for a PPM with long comments before its pixels: Pillow reads them one byte at a time."""
    if data[:1] == b"P" and data[1:2].isdigit() and len(data) > LONGEST_HEADER:
        words = re.sub(rb"#[^\r\n]*", b"", data[:LONGEST_HEADER]).split(maxsplit=3)
        if len(words) < (3 if data[1:2] in b"14" else 4):
            raise SkipFile(SkipReason.BOMB, f"its header has more than {LONGEST_HEADER:,} bytes")


def bytes_of_tiff(tiff: DeepTiff, data: bytes, size: tuple[int, int], channels: int | None) -> int:
    """Return the bytes that decoding a TIFF with deep values to `size` (height, width) takes at most."""
    pixel = tiff.samples * tiff.dtype.itemsize
    is_direct = tiff.samples == 1 and not tiff.is_predicted
    stored, result = (1 if tiff.colours == 1 else 4), (channels or tiff.colours) // 3 * 3 + 1
    turned = result if tiff.orientation != 1 else 0
    per_pixel = max((2 if is_direct else 3) * pixel, pixel + tiff.colours + stored, stored + result + turned)
    return int(tiff.width * tiff.height * per_pixel + tiff.buffer + len(data)) + _fixed(size)


def bytes_of_image(
    image: Image.Image, data: bytes, full_size: tuple[int, int], size: tuple[int, int], channels: int | None
) -> int:
    """Return the bytes that decoding an opened image takes at most, at the size that `draft` chose.

    `full_size` is (height, width) before `draft`, `size` that of the result, `data` are the bytes of the file.
    """
    pixels = image.width * image.height
    coefficients = _coefficients(image, full_size)
    if 32 * pixels + coefficients < LARGE_BYTES:
        return 32 * pixels + coefficients
    bands = len(image.getbands())
    stored = 2 if image.mode.startswith("I;16") else 4 if bands > 1 or image.mode in ("I", "F") else 1
    mode = {1: "L", 3: "RGB", 4: "RGBA", None: "L" if image.mode in GREY_MODES else "RGB"}[channels]
    result = 1 if mode == "L" else 4
    turned = result if any(word in data for word in _ORIENTATION_WORDS) else 0
    if image.format == "JPEG2000":
        decoded = 5.0 * bands + 5
    elif image.format in ("SGI", "QOI"):
        decoded = stored + 2 * bands
    else:
        decoded = _DECODER_BYTES.get(image.format or "", stored)
    if image.mode in DEEP_MODES:
        converted = max(2 * stored, stored + 2 + result + turned)
    elif is_deep(image):
        converted = 14 + 3 * (bands - 3) + turned
    elif image.mode == mode and not image.has_transparency_data:
        converted = stored + turned
    else:
        converted = stored + result + turned
    return int(pixels * max(decoded, converted)) + coefficients + _fixed(size)


_ORIENTATION_WORDS = (b"Exif", b"EXIF", b"eXIf", b"rientation")
"""A file that must be turned contains one of these."""


def _fixed(size: tuple[int, int]) -> int:
    """Return the bytes for the result of `size` (height, width), and for the few rows that are converted at a time."""
    return 12 * size[0] * size[1] + 24 * 2**20


def _coefficients(image: Image.Image, full_size: tuple[int, int]) -> int:
    """Return the bytes of the coefficients that libjpeg holds of a progressive JPEG, at its full size."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or not image.info.get("progressive"):
        return 0
    layers = [(layer[1], layer[2]) for layer in image.layer]
    largest = max(h for h, _ in layers) * max(v for _, v in layers)
    return int(2 * full_size[0] * full_size[1] * sum(h * v for h, v in layers) / largest)
