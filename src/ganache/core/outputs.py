"""The mark in files that ganache writes, by which it replaces its own files and nobody else's.

The mark is where each format has room for text: the Software of PNG and WebP (Exif), the comment of JPEG, GIF, MP4 and
zip, the generator of HTML, the producer of ONNX. A .npy has no room for text: ours have a longer header than any
other, padded as the format allows. Requests (JSON) need no mark: their content tells.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ganache.errors import ConfigError

MARK = "made by ganache"
PAGE_MARK = '<meta name="generator" content="ganache'
"""The beginning of the tag in every page that ganache writes."""
ONNX_PRODUCER = "ganache"

NPY_HEADER = 1024
"""Bytes of the header of our .npy files; NumPy's have the smallest multiple of 64 into which the text fits."""

_ENDS = 4096
"""Bytes at the beginning and at the end of a file in which the mark is."""


def marked(kind: str) -> dict[str, Any]:
    """Return the options of Pillow's `save` that put the mark into a picture with the suffix `kind`."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    if kind == ".png":
        info = PngInfo()
        info.add_text("Software", MARK)
        return {"pnginfo": info}
    if kind == ".webp":
        exif = Image.Exif()
        exif[0x0131] = MARK  # Software
        return {"exif": exif.tobytes()}
    return {"comment": MARK.encode()}


def npy_header(descr: str, shape: tuple[int, ...]) -> bytes:
    """Return the header, in version 1.0 of the format, of an array that ganache writes."""
    text = repr({"descr": descr, "fortran_order": False, "shape": shape})
    length = NPY_HEADER - 10
    return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + f"{text:<{length - 1}}\n".encode("latin1")


def is_ours(head: bytes, tail: bytes) -> bool:
    """Whether ganache wrote a file, from its first and last bytes."""
    mark = MARK.encode()
    if head.startswith(b"\x93NUMPY"):
        return head[6:10] == npy_header("", ())[6:10] and len(head[:NPY_HEADER].rstrip()) < NPY_HEADER // 2
    if head.startswith(b"PK"):
        return tail.endswith(mark)
    if head[8:12] == b"WEBP" or head[4:8] == b"ftyp":
        return mark in tail
    if head.startswith((b"\x89PNG", b"\xff\xd8", b"GIF8")):
        return mark in head
    producer = bytes([0x12, len(ONNX_PRODUCER)]) + ONNX_PRODUCER.encode()  # field 2 of the protocol buffer
    return PAGE_MARK.encode() in head[:1000] or producer in head[:100]


def content_is_ours(content: bytes) -> bool:
    """Whether ganache wrote a file of this content."""
    return is_ours(content[:_ENDS], content[-_ENDS:])


def file_is_ours(path: Path) -> bool:
    """Whether ganache wrote a file. Raises OSError if it cannot be read; anything but a regular file is not ours."""
    if not stat.S_ISREG(path.stat().st_mode):
        return False
    with open(path, "rb") as file:
        head = file.read(_ENDS)
        file.seek(max(0, os.fstat(file.fileno()).st_size - _ENDS))
        return is_ours(head, file.read(_ENDS))


def refuse_to_replace(path: Path, inputs: Iterable[str | Path] = ()) -> None:
    """Raise ConfigError if writing `path` would replace a file that ganache did not write, a folder, or an input."""
    if not os.path.lexists(path):
        return
    if path.is_dir():
        raise ConfigError(f"{path} is a folder, and the output is one file: name a file.")
    if any(os.path.exists(each) and os.path.samefile(path, each) for each in inputs if path.exists()):
        raise ConfigError(f"{path} is read by this command and would be overwritten: name another file.")
    try:
        ours = file_is_ours(path)
    except OSError as error:
        raise ConfigError(f"{path} exists and cannot be read ({error.strerror}): name another file.") from None
    if not ours:
        raise ConfigError(f"{path} exists and was not made by ganache: name another file.")
