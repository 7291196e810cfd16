"""Translate the exceptions of image decoders to skip reasons that a person can act on."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image, UnidentifiedImageError

from ganache.data.formats import HEAD, is_text, recognise
from ganache.data.skip_reasons import SkipFile, SkipReason

# On damaged input, Pillow's decoders raise more than OSError: SyntaxError for a damaged PNG, struct.error and
# IndexError for a short header, ValueError, KeyError and TypeError for tags of the wrong type, RuntimeError from
# codecs, MemoryError for a wrong size. None of them may abort the scan of a hundred thousand files.
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

_TRUNCATION_MESSAGES = ("truncated", "unexpected end", "end of file", "not enough", "not finished")
"""Parts of the messages with which decoders report missing bytes."""


@contextmanager
def decode_errors_as_skips(data: bytes) -> Iterator[None]:
    """Raise SkipFile, with its reason, in place of any exception that decoding `data` raises."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise SkipFile(SkipReason.BOMB, f"the header announces more pixels than are decoded: {error}") from error
    except MemoryError as error:
        raise SkipFile(SkipReason.BOMB, "there is not enough memory to decode it") from error
    except UnidentifiedImageError as error:
        raise _skip_unidentified(data) from error
    except DECODE_ERRORS as error:
        raise _skip_undecodable(error, data) from error


def check_png_checksums(data: bytes) -> None:
    """Raise SkipFile if a chunk of a PNG does not match its checksum: the decoder would return wrong pixels."""
    if not data.startswith(_PNG):
        return
    position = len(_PNG)
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        end = position + 8 + length
        chunk_type, checksum = data[position + 4 : position + 8], data[end : end + 4]
        # The types of critical chunks begin with a capital; a damaged comment does no harm. A truncated chunk is left
        # to the decoder, which knows whether all pixels are there.
        is_critical = chunk_type[:1].isupper() and len(checksum) == 4
        if is_critical and zlib.crc32(memoryview(data)[position + 4 : end]) != int.from_bytes(checksum, "big"):
            raise SkipFile(SkipReason.DAMAGED, "the bytes do not match the checksum in the file")
        if chunk_type == b"IEND":
            return
        position = end + 4


def _skip_unidentified(data: bytes) -> SkipFile:
    """Return the skip for data that no decoder accepts: an image with a damaged header, or no image."""
    if known := recognise(data[:HEAD]):
        return SkipFile(SkipReason.NOT_AN_IMAGE, known.what)
    for signature, image_format in _SIGNATURES.items():
        if data.startswith(signature):
            detail = f"the header of a {image_format}, truncated or damaged, {len(data)} bytes in all"
            return SkipFile(SkipReason.DAMAGED, detail)
    if _is_truncated_webp(data):
        return SkipFile(SkipReason.TRUNCATED)
    return SkipFile(SkipReason.NOT_AN_IMAGE, "text" if is_text(data[:HEAD]) else "unknown content")


def _skip_undecodable(error: BaseException, data: bytes) -> SkipFile:
    """Return the skip for data that a decoder accepted and then failed on."""
    message = str(error).strip() or type(error).__name__
    is_truncated = any(words in message.lower() for words in _TRUNCATION_MESSAGES)
    if is_truncated or isinstance(error, EOFError | struct.error) or _is_truncated_webp(data):
        return SkipFile(SkipReason.TRUNCATED)
    return SkipFile(SkipReason.DAMAGED, f"the decoder reports: {message}")


def _is_truncated_webp(data: bytes) -> bool:
    """Whether a WebP is shorter than its header announces; its decoder reports no more than a failure."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP" and 8 + int.from_bytes(data[4:8], "little") > len(data)
