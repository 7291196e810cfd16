"""Makes bad picture files, each with the reason that the doctor must name; `corpus_good` makes the good ones."""

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
    """Smooth, so that lossy formats keep it; with four unlike corners, so that every turn shows."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1)
    return np.stack([255 * x, 255 * y, 128 * (x * y) + 60], axis=-1).round().astype(np.uint8)


PICTURE = _picture()
RGB = Image.fromarray(PICTURE)
GREY = RGB.convert("L")


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file of that kind."""
    stream = io.BytesIO()
    # A copy: Pillow leaves the settings of one format on the image, and trips over them in the next.
    image.copy().save(stream, kind, **options)
    return stream.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, depth: int, colour: int, rows: bytes, stream: bytes = b"") -> bytes:
    """A PNG made by hand, for what Pillow does not write; `stream` in place of the compressed rows."""
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
    """Name -> a file's content and the reasons that are right for it (two where both are true)."""
    files = {name: (data, {SkipReason.NOT_AN_IMAGE}) for name, data in no_images().items()}
    files |= {name: (data, {SkipReason.TRUNCATED}) for name, data in cut_files().items()}
    files |= {name: (data, {SkipReason.DAMAGED}) for name, data in broken_files().items()}
    files |= {name: (data, {SkipReason.DAMAGED, SkipReason.TRUNCATED}) for name, data in headless_files().items()}
    files |= {name: (data, {SkipReason.BOMB}) for name, data in pixel_bombs().items()}
    small = {"pixel.png": (1, 1), "sliver.png": (200, 3), "below-half.png": (15, 40)}
    files |= {name: (encoded(RGB.resize(size), "PNG"), {SkipReason.TOO_SMALL}) for name, size in small.items()}
    return files | {"empty.png": (b"", {SkipReason.EMPTY})}


def no_images() -> dict[str, bytes]:
    """Other things under the names of pictures."""
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
"""Hard to compress, so that half of a file is half of the picture."""


def cut_files() -> dict[str, bytes]:
    """Pictures whose end is missing, and whose decoder can tell."""
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
    """Pictures of which so much is missing that cut and broken look the same."""
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
    """Pictures that are all there and wrong."""
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
    """Small files that announce billions of pixels."""
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
    """Name -> what systems leave behind: neither used nor worth a word."""
    return {
        ".DS_Store": b"\0\0\0\1Bud1",
        "Thumbs.db": b"\xd0\xcf\x11\xe0",
        "desktop.ini": b"[.ShellClassInfo]",
        ".hidden.png": encoded(RGB, "PNG"),
        "__MACOSX/._plain.png": b"\0\5\x16\7",
    }


def write(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files below the folder, with the folders that their names need."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def make_special_files(folder: Path) -> dict[str, SkipReason]:
    """Files that only a file system has -> name and reason. None of them may be opened."""
    os.mkfifo(folder / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        # A socket's path is short by law: bound from within the folder.
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
    """A zip of odd entries -> name and reason, None for those that are good in spite of their names."""
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
    """Make entries what zipfile does not write: encrypted, of a false checksum or size, of an unknown method."""
    data = bytearray(path.read_bytes())

    def central(name: bytes) -> int:
        """Where the central directory speaks of the entry."""
        return data.rindex(name) - 46

    def local(name: bytes) -> int:
        return data.index(name) - 30

    data[central(b"secret.png") + 8] |= 1
    data[local(b"secret.png") + 6] |= 1
    data[local(b"wrong-sum.png") + 30 + len(b"wrong-sum.png") + 60] ^= 0xFF
    # The header promises 10 bytes where 1,000 come.
    data[central(b"liar.png") + 24 : central(b"liar.png") + 28] = struct.pack("<I", 10)
    for place in (central(b"strange.png") + 10, local(b"strange.png") + 8):
        data[place : place + 2] = struct.pack("<H", 77)
    path.write_bytes(bytes(data))


def pictures(n: int, *shape: int, seed: int = 0) -> NDArray[np.uint8]:
    """Noise: n arrays of the shape."""
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)
