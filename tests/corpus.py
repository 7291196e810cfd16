"""Image files that cannot be used, with the reason that the doctor must report. `corpus_good` has the usable ones."""

from __future__ import annotations

import io
import os
import socket
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganache.data import SkipReason

SIDE = 32


def _picture() -> NDArray[np.uint8]:
    """Return a smooth image, which lossy formats preserve, with four different corners, which show every rotation."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1)
    return np.stack([255 * x, 255 * y, 128 * (x * y) + 60], axis=-1).round().astype(np.uint8)


PICTURE = _picture()
RGB = Image.fromarray(PICTURE)
GREY = RGB.convert("L")


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the image as the bytes of a file in this format."""
    stream = io.BytesIO()
    # A copy: Pillow stores the settings of one format in the image, and they break the next format.
    image.copy().save(stream, kind, **options)
    return stream.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, depth: int, colour: int, rows: bytes, stream: bytes = b"") -> bytes:
    """Return a PNG that Pillow cannot write; `stream` replaces the compressed rows."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", stream or zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def _broken_checksum() -> bytes:
    data = bytearray(encoded(RGB, "PNG"))
    data[data.index(b"IDAT") + 10] ^= 0xFF
    return bytes(data)


def _cut(data: bytes, share: float = 0.5) -> bytes:
    return data[: int(len(data) * share)]


def bad_files() -> dict[str, tuple[bytes, set[SkipReason]]]:
    """Return {name: (content, accepted reasons)}; more than one reason if all of them apply."""
    files = {name: (data, {SkipReason.NOT_AN_IMAGE}) for name, data in no_images().items()}
    files |= {name: (data, {SkipReason.TRUNCATED}) for name, data in cut_files().items()}
    files |= {name: (data, {SkipReason.DAMAGED}) for name, data in broken_files().items()}
    files |= {name: (data, {SkipReason.DAMAGED, SkipReason.TRUNCATED}) for name, data in headless_files().items()}
    files |= {name: (data, {SkipReason.BOMB}) for name, data in pixel_bombs().items()}
    small = {"pixel.png": (1, 1), "sliver.png": (200, 3), "below-half.png": (15, 40)}
    files |= {name: (encoded(RGB.resize(size), "PNG"), {SkipReason.TOO_SMALL}) for name, size in small.items()}
    return files | {"empty.png": (b"", {SkipReason.EMPTY})}


def no_images() -> dict[str, bytes]:
    """Files with names of images that are something else."""
    return {
        "text.png": b"This is a text that somebody renamed.\n" * 20,
        "page.jpg": b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>",
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>',
        "declared.svg": b'<?xml version="1.0"?>\n<svg width="64" height="64"></svg>',
        "paper.pdf": b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n",
        "program.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\nshowpage\n",
        "archive.jpg": b"PK\x03\x04" + bytes(100),
        "pointer.png": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "list.json": b'{"images": []}',
        "zeros.png": bytes(1000),
        "random.jpg": np.random.default_rng(1).bytes(2000),
        "sound.webp": b"RIFF\x24\0\0\0WAVEfmt " + bytes(24),
        "one.bin": b"\x01",
    }


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
"""Noise, which does not compress, so that half of a file is half of the image."""


def cut_files() -> dict[str, bytes]:
    """Images without their end, which the decoder detects."""
    jpeg = encoded(NOISE, "JPEG", quality=95)
    short = b"".join(b"\0" + bytes(3 * SIDE) for _ in range(SIDE))[:500]
    return {
        "cut.jpg": _cut(jpeg),
        "cut-end.jpg": jpeg[:-200],
        "cut-progressive.jpg": _cut(encoded(NOISE, "JPEG", progressive=True), 0.3),
        "cut.png": _cut(encoded(NOISE, "PNG")),
        "short-rows.png": png_of(SIDE, SIDE, 8, 2, short),
        "cut.gif": _cut(encoded(NOISE.quantize(), "GIF"), 0.7),
        "cut.webp": _cut(encoded(NOISE, "WEBP", lossless=True)),
        "cut.bmp": _cut(encoded(NOISE, "BMP")),
    }


def headless_files() -> dict[str, bytes]:
    """Images with so little left that truncated and damaged cannot be distinguished."""
    return {
        "head-only.png": encoded(RGB, "PNG")[:20],
        "head-only.jpg": encoded(NOISE, "JPEG")[:12],
        "head-only.gif": b"GIF89a",
        "head-only.webp": encoded(NOISE, "WEBP")[:16],
        "cut.tif": _cut(encoded(NOISE, "TIFF", compression="tiff_lzw")),
        "cut.ppm": _cut(encoded(NOISE, "PPM")),
        "cut.jp2": _cut(encoded(NOISE, "JPEG2000"), 0.2),
    }


def broken_files() -> dict[str, bytes]:
    """Images of full length with wrong content."""
    webp = encoded(NOISE, "WEBP", lossless=True)
    not_numbers = Image.fromarray(np.full((SIDE, SIDE), np.nan, dtype=np.float32))
    return {
        "wrong-checksum.png": _broken_checksum(),
        "no-data.png": b"\x89PNG\r\n\x1a\n" + png_chunk(b"IEND", b""),
        "broken-stream.png": png_of(SIDE, SIDE, 8, 2, b"", b"this was never compressed"),
        "broken.webp": webp[:40] + bytes(len(webp) - 40),
        "not-numbers.tif": encoded(not_numbers, "TIFF"),
    }


def pixel_bombs() -> dict[str, bytes]:
    """Small files whose headers announce billions of pixels."""
    bmp, gif = bytearray(encoded(RGB, "BMP")), bytearray(encoded(RGB.quantize(64), "GIF"))
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    gif[6:10] = struct.pack("<HH", 65_535, 65_535)
    return {
        "huge.png": png_of(50_000, 50_000, 8, 2, bytes(100)),
        "huge-11k.png": png_of(11_000, 11_000, 8, 0, bytes(100)),
        "huge.bmp": bytes(bmp),
        "huge.gif": bytes(gif),
    }


def litter() -> dict[str, bytes]:
    """Return {name: content} of system files, which are ignored without a report."""
    return {
        ".DS_Store": b"\0\0\0\1Bud1",
        "Thumbs.db": b"\xd0\xcf\x11\xe0",
        "desktop.ini": b"[.ShellClassInfo]",
        ".hidden.png": encoded(RGB, "PNG"),
        "__MACOSX/._plain.png": b"\0\5\x16\7",
    }


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files and their folders below `folder`."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def make_special_files(folder: Path) -> dict[str, SkipReason]:
    """Create special files, links and pipes, and return {name: reason}. None of them may be opened."""
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        # The path of a socket has a short maximum length, so it is bound from inside the folder.
        before = os.getcwd()
        os.chdir(folder)
        server.bind("socket.png")
        os.chdir(before)
    (folder / "endless.png").symlink_to("/dev/zero")
    (folder / "nothing.png").symlink_to("does-not-exist.png")
    (folder / "itself.png").symlink_to("itself.png")
    (folder / "inner").mkdir()
    (folder / "inner" / "back").symlink_to("..", target_is_directory=True)
    return {
        "pipe.png": SkipReason.SPECIAL,
        "socket.png": SkipReason.SPECIAL,
        "endless.png": SkipReason.SPECIAL,
        "nothing.png": SkipReason.BROKEN_SYMLINK,
        "itself.png": SkipReason.SYMLINK_LOOP,
        "inner/back": SkipReason.SYMLINK_LOOP,
    }


def make_odd_zip(path: Path, bomb_bytes: int) -> dict[str, SkipReason | None]:
    """Write a zip with unusual entries and return {name: reason}; None for entries that are usable."""
    plain = encoded(RGB, "PNG")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("plain.png", "../../escape.png", "/absolute.png", "deep/er/顔.png"):
            archive.writestr(name, plain)
        archive.writestr("__MACOSX/._plain.png", b"\0")
        archive.writestr("bomb.png", bytes(bomb_bytes))
        archive.writestr("secret.png", plain)
        archive.writestr("wrong-sum.png", plain, zipfile.ZIP_STORED)
        archive.writestr("liar.png", bytes(1000))
        archive.writestr("strange.png", plain)
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "plain.png")
    _tamper(path)
    return {
        "plain.png": None,
        "../../escape.png": None,
        "/absolute.png": None,
        "deep/er/顔.png": None,
        "bomb.png": SkipReason.OVERSIZED,
        "secret.png": SkipReason.UNREADABLE,
        "wrong-sum.png": SkipReason.UNREADABLE,
        "liar.png": SkipReason.UNREADABLE,
        "strange.png": SkipReason.UNREADABLE,
        "link.png": SkipReason.SPECIAL,
    }


def _tamper(path: Path) -> None:
    """Patch entries in ways that zipfile does not write: encrypted, wrong checksum or size, unknown method."""
    data = bytearray(path.read_bytes())

    def central(name: bytes) -> int:
        """Return the offset of the entry in the central directory."""
        return data.rindex(name) - 46

    def local(name: bytes) -> int:
        return data.index(name) - 30

    data[central(b"secret.png") + 8] |= 1
    data[local(b"secret.png") + 6] |= 1
    data[local(b"wrong-sum.png") + 30 + len(b"wrong-sum.png") + 60] ^= 0xFF
    # The header announces 10 bytes, and the data are 1,000.
    data[central(b"liar.png") + 24 : central(b"liar.png") + 28] = struct.pack("<I", 10)
    for place in (central(b"strange.png") + 10, local(b"strange.png") + 8):
        data[place : place + 2] = struct.pack("<H", 77)
    path.write_bytes(bytes(data))


def pictures(n: int, *shape: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return n arrays of noise."""
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)
