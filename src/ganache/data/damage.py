"""What a decoder raised -> the reason a person can act on."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from ganache.data.reasons import Reason, Skip

# Pillow's decoders run on whatever a broken byte leads them to: beside OSError they raise SyntaxError for a broken
# PNG, struct.error and IndexError for a short header, ValueError, KeyError and TypeError for tags of a wrong kind,
# RuntimeError from codecs, MemoryError for an invented size. None may end a run over a hundred thousand files.
DECODE_ERRORS = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
)

_SIGNATURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF", b"II*\0": "TIFF", b"MM\0*": "TIFF"}

_PNG = b"\x89PNG\r\n\x1a\n"

_OTHER_KINDS = {
    b"%pdf": "a PDF document",
    b"pk\x03\x04": "a zip archive",
    b"<svg": "an SVG drawing, which has no pixels",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b"version https://git-lfs": "a Git LFS pointer: fetch the file itself",
}

_CUT_SHORT = ("truncated", "unexpected end", "end of file", "not enough", "not finished")
"""How decoders say that the bytes ran out."""


@contextmanager
def decoding(data: bytes) -> Iterator[None]:
    """Around all that decodes `data`: whatever a decoder raises becomes a Skip with its reason."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise Skip(Reason.BOMB, "its header announces more pixels than any camera makes") from error
    except UnidentifiedImageError as error:
        raise _unidentified(data) from error
    except DECODE_ERRORS as error:
        raise _broken(error, data) from error


def check_png(data: bytes) -> None:
    """Raises Skip for a PNG with a chunk that differs from its checksum: the decoder would show wrong pixels."""
    if not data.startswith(_PNG):
        return
    place = len(_PNG)
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        end = place + 8 + length
        kind, checksum = data[place + 4 : place + 8], data[end : end + 4]
        # Names of chunks that hold pixels begin with a capital; a broken remark does no harm. A chunk that is cut
        # is left to the decoder: it knows whether all pixels have come.
        matters = kind[:1].isupper() and len(checksum) == 4
        if matters and zlib.crc32(memoryview(data)[place + 4 : end]) != int.from_bytes(checksum, "big"):
            raise Skip(Reason.DAMAGED, "its bytes differ from the checksum that it carries")
        if kind == b"IEND":
            return
        place = end + 4


def _unidentified(data: bytes) -> Skip:
    """No decoder took it: a picture whose header is cut or broken, or no picture."""
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            return Skip(Reason.DAMAGED, f"the header of a {kind}, cut short or broken, {len(data)} bytes in all")
    if _short_riff(data):
        return Skip(Reason.TRUNCATED)
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<?xml") and b"<svg" in start:
        return Skip(Reason.NOT_AN_IMAGE, _OTHER_KINDS[b"<svg"])
    for beginning, kind in _OTHER_KINDS.items():
        if start.startswith(beginning):
            return Skip(Reason.NOT_AN_IMAGE, kind)
    return Skip(Reason.NOT_AN_IMAGE, "text" if start.isascii() and b"\0" not in start else "unknown content")


def _broken(error: BaseException, data: bytes) -> Skip:
    """A decoder took it and gave up."""
    said = str(error).strip() or type(error).__name__
    cut = any(words in said.lower() for words in _CUT_SHORT)
    if cut or isinstance(error, EOFError | struct.error) or _short_riff(data):
        return Skip(Reason.TRUNCATED)
    return Skip(Reason.DAMAGED, f"the decoder says: {said}")


def _short_riff(data: bytes) -> bool:
    """Whether a WebP is shorter than it announces: its decoder says only that it failed."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP" and 8 + int.from_bytes(data[4:8], "little") > len(data)
