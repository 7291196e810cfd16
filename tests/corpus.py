"""Makes bad and odd picture files, each with what the doctor must say of it.

Every good file shows the same picture, `PICTURE`, so one comparison serves them all.
"""

from __future__ import annotations

import io
import os
import socket
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganache.data import Note, Reason

SIDE = 32


def _picture() -> NDArray[np.uint8]:
    """Smooth, so that lossy formats keep it; with four unlike corners, so that every turn shows."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / (SIDE - 1)
    return np.stack([255 * x, 255 * y, 128 * (x * y) + 60], axis=-1).round().astype(np.uint8)


PICTURE = _picture()
RGB = Image.fromarray(PICTURE)
GREY = RGB.convert("L")


@dataclass(frozen=True)
class Good:
    """A file that must become these pixels, uint8 [32, 32, 3] within `tolerance` each, with these notes."""

    data: bytes
    notes: frozenset[Note] = frozenset()
    pixels: NDArray[np.uint8] | None = None
    tolerance: int = 0

    def expected(self) -> NDArray[np.uint8]:
        return PICTURE if self.pixels is None else self.pixels


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The image as a file of that kind."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def grey3(image: Image.Image) -> NDArray[np.uint8]:
    """A grey image as the RGB pixels it must become."""
    return np.repeat(np.asarray(image)[..., None], 3, axis=2)


def _turned(orientation: int) -> bytes:
    """PICTURE stored so that a reader who heeds the orientation sees it upright."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(RGB.transpose(undo[orientation]), "PNG", exif=exif)


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


def _png_rgb16() -> bytes:
    """16 bits a channel, the high byte being PICTURE."""
    deep = (PICTURE.astype(">u2") * 257).reshape(SIDE, -1)
    return png_of(SIDE, SIDE, 16, 2, b"".join(b"\0" + row.tobytes() for row in deep))


def _half_clear() -> Image.Image:
    image = RGB.convert("RGBA")
    alpha = np.full((SIDE, SIDE), 255, dtype=np.uint8)
    alpha[:, :16] = 0
    alpha[0, 20] = 128
    image.putalpha(Image.fromarray(alpha))
    return image


def _half_clear_on_white() -> NDArray[np.uint8]:
    """By the definition of "over": alpha * picture + (1 - alpha) * white."""
    pixels = np.asarray(_half_clear()).astype(float)
    alpha = pixels[..., 3:] / 255
    return np.rint(alpha * pixels[..., :3] + (1 - alpha) * 255).astype(np.uint8)


def _palette() -> Image.Image:
    return RGB.quantize(64)


def _clear_palette() -> tuple[bytes, NDArray[np.uint8]]:
    """A palette with one clear colour, and what it looks like on white."""
    image = _palette()
    pixels = np.array(image.convert("RGB"))
    clear = int(np.asarray(image)[0, 0])
    pixels[np.asarray(image) == clear] = 255
    return encoded(image, "PNG", transparency=clear), pixels


def good_files() -> dict[str, Good]:
    """Name -> a file that must be used."""
    others = [RGB.transpose(Image.Transpose.ROTATE_90), RGB.transpose(Image.Transpose.ROTATE_180)]
    frames: dict[str, Any] = {"save_all": True, "append_images": others}
    g = GREY
    grey16 = Image.fromarray(np.asarray(g).astype(np.uint16) * 257)
    one_bit = g.convert("1")
    unit = Image.fromarray((np.asarray(g) / 255).astype(np.float32))
    many = Image.fromarray(np.asarray(g).astype(np.int32) * 1000 - 50_000)
    stretched = np.asarray(g).astype(float) - g.getextrema()[0]
    stretched = np.rint(stretched * 255 / stretched.max()).astype(np.uint8)
    cmyk = RGB.convert("CMYK")
    clear_palette, on_white = _clear_palette()
    to_rgb = {Note.GREY_TO_RGB}

    def note(*notes: Note) -> frozenset[Note]:
        return frozenset(notes)

    def good_grey(data: bytes, *notes: Note, pixels: NDArray[np.uint8] | None = None) -> Good:
        return Good(data, frozenset(to_rgb | set(notes)), grey3(g) if pixels is None else pixels)

    wide = Image.new("RGB", (48, SIDE), "red")
    wide.paste(RGB, (8, 0))
    large = RGB.resize((256, 256), Image.Resampling.BICUBIC)
    lossy = encoded(RGB, "JPEG", quality=95, subsampling=0)
    files = {
        "plain.png": Good(encoded(RGB, "PNG")),
        "photo.jpg": Good(lossy, tolerance=12),
        "SHOUTING.PNG": Good(encoded(RGB, "PNG")),
        "png-called.jpg": Good(encoded(RGB, "PNG")),
        "jpg-called.png": Good(lossy, tolerance=12),
        "no-suffix": Good(encoded(RGB, "PNG")),
        "two.dots.in.name.png": Good(encoded(RGB, "PNG")),
        "ünïcödé 顔 🙂.png": Good(encoded(RGB, "PNG")),
        "new\nline.png": Good(encoded(RGB, "PNG")),
        "bitmap.bmp": Good(encoded(RGB, "BMP")),
        "plain.webp": Good(encoded(RGB, "WEBP", lossless=True)),
        "plain.tif": Good(encoded(RGB, "TIFF")),
        "packed.tif": Good(encoded(RGB, "TIFF", compression="tiff_lzw")),
        "plain.ppm": Good(encoded(RGB, "PPM")),
        "plain.pcx": Good(encoded(RGB, "PCX")),
        "plain.sgi": Good(encoded(RGB, "SGI")),
        "plain.jp2": Good(encoded(RGB, "JPEG2000")),
        "progressive.jpg": Good(encoded(RGB, "JPEG", quality=95, progressive=True, subsampling=0), tolerance=12),
        "garbage-after.jpg": Good(lossy + b"garbage" * 100, tolerance=12),
        "garbage-after.png": Good(encoded(RGB, "PNG") + b"garbage"),
        "broken-exif.png": Good(encoded(RGB, "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")),
        "grey.png": good_grey(encoded(g, "PNG")),
        "one-bit.png": good_grey(encoded(one_bit, "PNG"), Note.ONE_BIT, pixels=grey3(one_bit.convert("L"))),
        "grey16.png": good_grey(encoded(grey16, "PNG"), Note.SIXTEEN_BIT),
        "grey16.tif": good_grey(encoded(grey16, "TIFF"), Note.SIXTEEN_BIT),
        "grey16.pgm": good_grey(encoded(grey16, "PPM"), Note.SIXTEEN_BIT),
        "rgb16.png": Good(_png_rgb16(), note(Note.SIXTEEN_BIT)),
        "decimal.tif": good_grey(encoded(unit, "TIFF"), Note.DEEP),
        "int32.tif": Good(
            encoded(many, "TIFF"), frozenset(to_rgb | {Note.DEEP}), grey3(Image.fromarray(stretched)), tolerance=1
        ),
        "cmyk.tif": Good(encoded(cmyk, "TIFF"), note(Note.CMYK), tolerance=1),
        "cmyk.jpg": Good(encoded(cmyk, "JPEG", quality=100), note(Note.CMYK), tolerance=12),
        "ycbcr.tif": Good(encoded(RGB.convert("YCbCr"), "TIFF"), note(Note.OTHER_COLOURS), tolerance=3),
        "palette.png": Good(encoded(_palette(), "PNG"), note(Note.PALETTE), np.asarray(_palette().convert("RGB"))),
        "clear-palette.png": Good(clear_palette, note(Note.PALETTE, Note.ALPHA), on_white),
        "clear.png": Good(encoded(_half_clear(), "PNG"), note(Note.ALPHA), _half_clear_on_white(), 1),
        "clear-grey.png": good_grey(encoded(_half_clear().convert("LA"), "PNG"), Note.ALPHA, pixels=_grey_on_white()),
        "clear-colour.png": Good(
            encoded(RGB, "PNG", transparency=tuple(int(v) for v in PICTURE[0, 0])),
            note(Note.ALPHA),
            _corner_white(),
        ),
        "still.gif": Good(encoded(_palette(), "GIF"), note(Note.PALETTE), np.asarray(_palette().convert("RGB"))),
        "moving.gif": Good(
            encoded(_palette(), "GIF", save_all=True, append_images=[_palette().rotate(90)]),
            note(Note.PALETTE, Note.FIRST_FRAME),
            np.asarray(_palette().convert("RGB")),
        ),
        "moving.webp": Good(encoded(RGB, "WEBP", lossless=True, **frames), note(Note.FIRST_FRAME)),
        "moving.png": Good(encoded(RGB, "PNG", **frames), note(Note.FIRST_FRAME)),
        "pages.tif": Good(encoded(RGB, "TIFF", **frames), note(Note.FIRST_FRAME)),
        "two-lenses.mpo": Good(
            encoded(RGB, "MPO", quality=95, subsampling=0, **frames), note(Note.FIRST_FRAME), tolerance=12
        ),
        "icon.ico": Good(encoded(RGB.convert("RGBA"), "ICO", sizes=[(SIDE, SIDE)]), note(Note.ALPHA)),
        "wide.png": Good(encoded(wide, "PNG"), note(Note.CROPPED)),
        "large.png": Good(encoded(large, "PNG"), note(Note.REDUCED), tolerance=12),
        "large.jpg": Good(encoded(large, "JPEG", quality=95), note(Note.REDUCED), tolerance=14),
        "small.png": Good(
            encoded(RGB.resize((16, 16), Image.Resampling.BOX), "PNG"), note(Note.ENLARGED), tolerance=14
        ),
    }
    turned = {f"turned-{i}.png": Good(_turned(i), note(Note.ROTATED)) for i in range(2, 9)}
    return files | turned


def _grey_on_white() -> NDArray[np.uint8]:
    pixels = np.asarray(_half_clear().convert("LA")).astype(float)
    alpha = pixels[..., 1] / 255
    # Rounded as Pillow rounds: the one half-clear pixel may be either side of one half.
    mixed = Image.alpha_composite(Image.new("RGBA", (SIDE, SIDE), "white"), _half_clear().convert("LA").convert("RGBA"))
    assert np.abs(alpha * pixels[..., 0] + (1 - alpha) * 255 - np.asarray(mixed)[..., 0]).max() <= 1
    return np.asarray(mixed)[..., :3]


def _corner_white() -> NDArray[np.uint8]:
    pixels = PICTURE.copy()
    pixels[(PICTURE[0, 0] == PICTURE).all(axis=-1)] = 255
    return pixels


def _broken_checksum() -> bytes:
    data = bytearray(encoded(RGB, "PNG"))
    data[data.index(b"IDAT") + 10] ^= 0xFF
    return bytes(data)


def _cut(data: bytes, share: float = 0.5) -> bytes:
    return data[: int(len(data) * share)]


def bad_files() -> dict[str, tuple[bytes, set[Reason]]]:
    """Name -> a file's content and the reasons that are right for it (two where both are true)."""
    cut, no, broken = {Reason.TRUNCATED}, {Reason.NOT_AN_IMAGE}, {Reason.DAMAGED}
    either = cut | broken
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    jpeg = encoded(noise, "JPEG", quality=95)
    bmp_bomb = bytearray(encoded(RGB, "BMP"))
    bmp_bomb[18:26] = struct.pack("<ii", 60_000, 60_000)
    gif_bomb = bytearray(encoded(_palette(), "GIF"))
    gif_bomb[6:10] = struct.pack("<HH", 65_535, 65_535)
    not_numbers = Image.fromarray(np.full((SIDE, SIDE), np.nan, dtype=np.float32))
    webp = encoded(noise, "WEBP", lossless=True)
    rows = b"".join(b"\0" + bytes(3 * SIDE) for _ in range(SIDE))
    return {
        "empty.png": (b"", {Reason.EMPTY}),
        "cut.jpg": (_cut(jpeg), cut),
        "cut-progressive.jpg": (_cut(encoded(noise, "JPEG", progressive=True), 0.3), cut),
        "cut-end.jpg": (jpeg[:-200], cut),
        "cut.png": (_cut(encoded(noise, "PNG")), cut),
        "cut.gif": (_cut(encoded(noise.quantize(), "GIF"), 0.7), cut),
        "cut.webp": (_cut(webp), cut),
        "cut.bmp": (_cut(encoded(noise, "BMP")), cut),
        "cut.tif": (_cut(encoded(noise, "TIFF", compression="tiff_lzw")), either),
        "cut.ppm": (_cut(encoded(noise, "PPM")), either),
        "cut.jp2": (_cut(encoded(noise, "JPEG2000"), 0.2), either),
        "head-only.png": (encoded(RGB, "PNG")[:20], either),
        "head-only.jpg": (jpeg[:12], either),
        "head-only.gif": (b"GIF89a", either),
        "head-only.webp": (webp[:16], either),
        "short-rows.png": (png_of(SIDE, SIDE, 8, 2, rows[:500]), cut),
        "wrong-checksum.png": (_broken_checksum(), broken),
        "no-data.png": (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IEND", b""), broken),
        "broken-stream.png": (png_of(SIDE, SIDE, 8, 2, b"", b"this was never compressed"), broken),
        "broken.webp": (webp[:40] + bytes(len(webp) - 40), broken),
        "not-numbers.tif": (encoded(not_numbers, "TIFF"), broken),
        "text.png": (b"This is a text that somebody renamed.\n" * 20, no),
        "page.jpg": (b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>", no),
        "drawing.svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>', no),
        "declared.svg": (b'<?xml version="1.0"?>\n<svg width="64" height="64"></svg>', no),
        "paper.pdf": (b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n", no),
        "program.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\nshowpage\n", no),
        "archive.jpg": (b"PK\x03\x04" + bytes(100), no),
        "pointer.png": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", no),
        "list.json": (b'{"images": []}', no),
        "zeros.png": (bytes(1000), no),
        "random.jpg": (np.random.default_rng(1).bytes(2000), no),
        "riff.webp": (b"RIFF\x24\0\0\0WAVEfmt " + bytes(24), no),
        "one.bin": (b"\x01", no),
        "huge.png": (png_of(50_000, 50_000, 8, 2, rows), {Reason.BOMB}),
        "huge-11k.png": (png_of(11_000, 11_000, 8, 0, rows), {Reason.BOMB}),
        "huge.bmp": (bytes(bmp_bomb), {Reason.BOMB}),
        "huge.gif": (bytes(gif_bomb), {Reason.BOMB}),
        "pixel.png": (encoded(RGB.resize((1, 1)), "PNG"), {Reason.TOO_SMALL}),
        "sliver.png": (encoded(RGB.resize((200, 3)), "PNG"), {Reason.TOO_SMALL}),
        "below-half.png": (encoded(RGB.resize((15, 40)), "PNG"), {Reason.TOO_SMALL}),
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


def make_special_files(folder: Path) -> dict[str, Reason]:
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
        "pipe.png": Reason.SPECIAL,
        "socket.png": Reason.SPECIAL,
        "endless.png": Reason.SPECIAL,
        "nothing.png": Reason.BROKEN_SYMLINK,
        "itself.png": Reason.SYMLINK_LOOP,
        "inner/back": Reason.SYMLINK_LOOP,
    }


def make_odd_zip(path: Path, bomb_bytes: int) -> dict[str, Reason | None]:
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
        "bomb.png": Reason.OVERSIZED,
        "secret.png": Reason.UNREADABLE,
        "wrong-sum.png": Reason.UNREADABLE,
        "liar.png": Reason.UNREADABLE,
        "strange.png": Reason.UNREADABLE,
        "link.png": Reason.SPECIAL,
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
