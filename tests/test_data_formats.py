"""Every format, mode, depth and kind of transparency gives the right pixels, within 1 of 255.

They are compared with arithmetic on the values that were written. TIFF files are written by tifffile, a second
implementation of the format.
"""

from __future__ import annotations

import io
import itertools
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from corpus import SIDE, encoded, pictures, png_chunk
from ganache.data.colour_modes import apply_orientation
from ganache.data.decoding import Target, decode_image
from ganache.data.skip_reasons import SkipFile
from ganache.data.value_range import Kind, Range

SHAPE = (12, 16)
Floats = NDArray[np.float64]


def noise(*shape: int, seed: int = 0) -> Floats:
    """Return numbers in [0, 1], with both ends, so that every range is used completely."""
    values = np.random.default_rng(seed).random(shape)
    values.flat[:2] = 0, 1
    return values


def on_white(colour: Floats, alpha: Floats) -> Floats:
    """Return colours [H, W, C] in [0, 1] composited on white, with opacity [H, W]."""
    return colour * alpha[:, :, None] + 1 - alpha[:, :, None]


def error(data: bytes, expected: Floats) -> float:
    """Return the largest difference between a decoded file and [H, W, C] in [0, 1], in steps of 1/255."""
    pixels = decode_image(data, Target()).pixels.astype(float)
    assert pixels.shape == expected.shape
    return float(np.abs(pixels - np.rint(255 * expected)).max())


# ---- PNG ----

ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""(first row, first column, rows, columns) of the seven passes of an interlaced PNG."""


def png(values: NDArray[Any], depth: int, colour: int, interlaced: bool, chunks: bytes = b"") -> bytes:
    """Return a PNG of values [H, W, C]."""
    passes = ADAM7 if interlaced else ((0, 0, 1, 1),)
    rows = [row for top, left, down, right in passes for row in values[top::down, left::right]]
    packed = [row.astype(">u2").tobytes() if depth == 16 else packed_bits(row.reshape(-1), depth) for row in rows]
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, colour, 0, 0, int(interlaced))
    content = zlib.compress(b"".join(b"\0" + row for row in packed))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (png_chunk(b"IHDR", header), chunks, png_chunk(b"IDAT", content), png_chunk(b"IEND", b""))
    )


def packed_bits(row: NDArray[Any], depth: int) -> bytes:
    """Return values of 1 to 8 bits as bytes, the first in the upper bits."""
    bits = (row[:, None].astype(int) >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8).reshape(-1)).tobytes()


PNGS = [
    *itertools.product((1, 2, 4, 8, 16), (0,), (False, True), (False, True)),
    *itertools.product((8, 16), (2,), (False, True), (False, True)),
    *itertools.product((1, 2, 4, 8), (3,), (False, True), (False, True)),
    *itertools.product((8, 16), (4, 6), (False, True), (False,)),
]
"""(bits per value, colour type, interlaced, with a chunk of transparency)."""


@pytest.mark.parametrize(("depth", "colour", "interlaced", "transparent"), PNGS)
def test_png(depth: int, colour: int, interlaced: bool, transparent: bool) -> None:
    channels, largest = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour], 2**depth - 1
    values = np.rint(noise(*SHAPE, channels) * largest).astype(int)
    shown, alpha, chunks = values / largest, np.ones(SHAPE), b""
    if colour == 3:
        palette = np.random.default_rng(1).integers(0, 256, (2**depth, 3), dtype=np.uint8)
        chunks, shown = png_chunk(b"PLTE", palette.tobytes()), palette[values[:, :, 0]] / 255
        if transparent:
            opacity = np.linspace(0, 255, 2**depth).astype(np.uint8)
            chunks, alpha = chunks + png_chunk(b"tRNS", opacity.tobytes()), opacity[values[:, :, 0]] / 255
    elif transparent:
        chunks = png_chunk(b"tRNS", values[3, 3].astype(">u2").tobytes())
        alpha = 1.0 - (values == values[3, 3]).all(axis=2)
    elif colour in (4, 6):
        shown, alpha = shown[:, :, :-1], shown[:, :, -1]
    assert error(png(values, depth, colour, interlaced, chunks), on_white(shown, alpha)) <= 1


# ---- TIFF, written by tifffile ----

LAYOUTS = [
    {"byteorder": order, "compression": compression, "tile": tile, "planarconfig": planes}
    for order, compression, tile, planes in itertools.product(
        "<>", (None, "zlib"), (None, (16, 16)), ("contig", "separate")
    )
]
COLOURS = {
    "minisblack": (1, lambda v: v),
    "miniswhite": (1, lambda v: 1 - v),
    "rgb": (3, lambda v: v),
    "separated": (4, lambda v: (1 - v[:, :, :3]) * (1 - v[:, :, 3:])),
}
"""photometric -> (number of samples, what they show)."""


def tiff(stored: NDArray[Any], layout: dict[str, Any], photometric: str, extra: str | None, **options: Any) -> bytes:
    """Return a TIFF of values [H, W, S]."""
    options |= layout
    if stored.shape[2] == 1:
        del options["planarconfig"]
        stored = stored[:, :, 0]
    elif layout["planarconfig"] == "separate":
        stored = np.moveaxis(stored, 2, 0)
    if extra:
        options["extrasamples"] = [extra]
    file, dtype = io.BytesIO(), stored.dtype.newbyteorder(layout["byteorder"])
    tifffile.imwrite(file, stored.astype(dtype), photometric=photometric, metadata=None, **options)
    return file.getvalue()


DTYPES = ("u1", "u2", "u4", "i2", "i4", "f2", "f4", "f8")


@pytest.mark.parametrize(
    ("dtype", "photometric"),
    [each for each in itertools.product(DTYPES, COLOURS) if each[1] != "separated" or each[0] in ("u1", "u2")],
)
def test_tiff(dtype: str, photometric: str) -> None:
    count, seen = COLOURS[photometric]
    largest = 1.0 if dtype[0] == "f" else float(np.iinfo(dtype).max)
    for extra in (None, "unassalpha", "assocalpha", "unspecified"):
        values = noise(*SHAPE, count + (extra is not None))
        if extra == "assocalpha":
            values[:, :, :-1] *= values[:, :, -1:]
            values[0, 0] = 1
        if count == 4 and extra not in (None, "unspecified"):
            continue
        stored = values.astype(dtype) if dtype[0] == "f" else np.rint(values * largest).astype(dtype)
        parts = stored.astype(float) / largest
        alpha = parts[:, :, -1] if extra and "alpha" in extra else np.ones(SHAPE)
        if extra == "assocalpha":
            parts = parts / np.maximum(alpha, 1e-9)[:, :, None]
        expected = on_white(seen(parts[:, :, :count]), alpha)
        for layout in LAYOUTS:
            data = tiff(stored, layout, photometric, extra)
            assert error(data, expected) <= 1, (extra, layout)


@pytest.mark.parametrize("dtype", ["u2", "i4"])
def test_tiff_with_differences_of_neighbours(dtype: str) -> None:
    stored = np.rint(noise(*SHAPE, 3) * np.iinfo(dtype).max).astype(dtype)
    for layout in LAYOUTS:
        if layout["compression"]:
            data = tiff(stored, layout, "rgb", None, predictor=True)
            assert error(data, stored / float(np.iinfo(dtype).max)) <= 1, layout


@pytest.mark.parametrize(("mode", "predictor"), [("F", 3), ("I;16", 2), ("I", 2)])
@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_tiff_of_libtiff(mode: str, predictor: int, compression: str) -> None:
    values = noise(*SHAPE, 1)
    largest, dtype = {"F": (1, "f4"), "I;16": (65_535, "u2"), "I": (2**31 - 1, "i4")}[mode]
    stored = values.astype("f4") if mode == "F" else np.rint(values * largest).astype(dtype)
    options = {} if compression == "packbits" else {"tiffinfo": {317: predictor}}
    data = encoded(Image.fromarray(stored[:, :, 0]), "TIFF", compression=compression, **options)
    assert error(data, values) <= 1


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "f4"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_large_tiff_in_both_byte_orders(order: str, dtype: str, channels: int) -> None:
    values = np.rint(noise(*SHAPE, channels) * 100).astype(f"{order}{dtype}")
    kind, stored = ("minisblack", values[..., 0]) if channels == 1 else ("rgb", values)
    for is_large in (False, True):
        file = io.BytesIO()
        tifffile.imwrite(file, stored, photometric=kind, byteorder=order, bigtiff=is_large)
        found = decode_image(file.getvalue(), Target(None), dict.fromkeys(Kind, Range(0, 255)))
        assert (found.pixels == values).all()


@pytest.mark.parametrize("turn", range(2, 9))
def test_a_deep_tiff_is_turned_upright(turn: int) -> None:
    stored = np.rint(noise(*SHAPE, 3) * 65_535).astype(np.uint16)
    upright = Image.fromarray(np.rint(stored / 257).astype(np.uint8)).transpose(
        {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}[turn]  # Image.Transpose
    )
    data = tiff(stored, LAYOUTS[0], "rgb", None, extratags=[(274, "H", 1, turn, True)])
    assert error(data, np.asarray(upright) / 255) <= 1


@pytest.mark.parametrize(
    ("stored", "photometric", "words"),
    [
        (noise(*SHAPE, 4).astype("f4"), "separated", "32x32x32x32 bits"),
        (noise(*SHAPE, 1).astype("c8"), "minisblack", "sample format 6"),
    ],
)
def test_a_tiff_that_is_not_read_says_what_it_is(stored: NDArray[Any], photometric: str, words: str) -> None:
    with pytest.raises(SkipFile) as caught:
        decode_image(tiff(stored, LAYOUTS[0], photometric, None), Target())
    assert words in caught.value.detail


# ---- everything that Pillow writes ----

LOSSY = {"JPEG": 14, "AVIF": 8}
"""Largest error of formats that do not keep every value; the picture is smooth."""


def smooth() -> dict[str, Image.Image]:
    """Return one picture in each of Pillow's modes."""
    y, x = np.mgrid[0:32, 0:40] / np.array([31, 39])[:, None, None]
    rgb = Image.fromarray(np.rint(255 * np.stack([x, y, (x + y) / 2], axis=-1)).astype(np.uint8))
    alpha = Image.fromarray(np.rint(255 * (1 - x * y)).astype(np.uint8))
    modes = {mode: rgb.convert(mode) for mode in ("1", "L", "P", "RGB", "CMYK", "YCbCr", "LAB", "HSV")}
    modes["LA"], modes["RGBA"] = modes["L"].convert("LA"), rgb.convert("RGBA")
    for mode in ("LA", "RGBA"):
        modes[mode].putalpha(alpha)
    grey = np.rint(65_535 * (x + y) / 2)
    modes["I;16"] = Image.fromarray(grey.astype(np.uint16))
    modes["I"], modes["F"] = Image.fromarray(grey.astype(np.int32)), Image.fromarray((grey / 65_535).astype(np.float32))
    return modes


MODES = smooth()


def seen_in(image: Image.Image) -> Floats:
    """Return what a picture shows on white, [H, W, C] in [0, 1]."""
    values = np.asarray(image).astype(float)
    if image.mode in ("I;16", "I", "F", "1", "L"):
        return (values / {"F": 1, "1": 1, "L": 255}.get(image.mode, 65_535))[:, :, None]
    if image.mode in ("LA", "RGBA"):
        return on_white(values[:, :, :-1] / 255, values[:, :, -1] / 255)
    if image.mode == "CMYK":
        return (255 - values[:, :, :3]) * (255 - values[:, :, 3:]) / 255**2
    return np.asarray(image.convert("RGB")) / 255


OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 98, "subsampling": 0},
    "PNG": {},
    "GIF": {},
    "BMP": {},
    "WEBP": {"lossless": True, "exact": True},
    "TIFF": {},
    "PPM": {},
    "ICO": {"sizes": [(40, 32)]},
    "JPEG2000": {},
    "AVIF": {"quality": 98, "subsampling": "4:4:4", "speed": 10},
    "QOI": {},
    "PCX": {},
    "SGI": {},
}


def written() -> dict[str, tuple[str, str, bytes]]:
    """Return {name: (format, mode, file)} of all formats and modes that Pillow writes without clipping values."""
    files = {}
    for (kind, options), (mode, image) in itertools.product(OPTIONS.items(), MODES.items()):
        try:
            data = encoded(image, kind, **options)
            found = Image.open(io.BytesIO(data)).mode
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if mode not in ("I;16", "I", "F") or found in ("I;16", "I;16B", "I", "F"):
            files[f"{kind}-{mode}"] = (kind, mode, data)
    return files


WRITTEN = written()


def test_pillow_writes_most_formats() -> None:
    assert len(WRITTEN) > 70


@pytest.mark.parametrize("name", WRITTEN)
def test_what_pillow_writes(name: str) -> None:
    kind, mode, data = WRITTEN[name]
    stored = Image.open(io.BytesIO(data))
    # A format without opacity or with 256 colours: what was written is the truth.
    is_other = stored.mode in ("P", "1", "RGB") and mode in ("LA", "RGBA", "RGB", "L", "P")
    expected = seen_in(stored.convert("RGBA" if stored.has_transparency_data else "RGB") if is_other else MODES[mode])
    pixels = decode_image(data, Target((32, 40), 3 if expected.shape[2] == 3 else 1)).pixels
    difference = np.abs(pixels.astype(float) - np.rint(255 * expected)).max()
    assert difference <= max(1, LOSSY.get(kind, 1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("target", [Target((SIDE, SIDE)), Target((12, 10), 3), Target((12, 10), 1)])
def test_the_difference_hash_is_that_of_the_pixels(kind: str, target: Target) -> None:
    colour, grey = pictures(1, SIDE, SIDE, 3)[0], pictures(1, SIDE, SIDE)[0]
    deep = grey.astype(np.float32) if kind == "TIFF" else grey.astype(np.uint16) * 257
    for values in (colour, grey, *([] if kind == "JPEG" else [deep, np.dstack([colour, grey])])):
        decoded = decode_image(encoded(Image.fromarray(values), kind), target)
        packed = decoded.pixels if decoded.pixels.shape[2] == 3 else decoded.pixels[..., 0]
        small = np.asarray(Image.fromarray(packed).convert("L").resize((9, 8), Image.Resampling.BOX))
        expected = int.from_bytes(np.packbits(small[:, :-1] < small[:, 1:]).tobytes(), "big")
        assert decoded.difference_hash == expected


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_jpeg_is_turned_wherever_its_orientation_is(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    image = Image.fromarray(pictures(1, 20, 30, 3)[0])
    xmp = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d tiff:Orientation="{turn}"/></x:xmpmeta>'.encode()
    plain = decode_image(encoded(image, "JPEG"), Target(None)).pixels
    expected = np.asarray(apply_orientation(Image.fromarray(plain), turn))
    for options in ({"exif": exif.tobytes()}, {"xmp": xmp}):
        found = decode_image(encoded(image, "JPEG", **options), Target(None)).pixels
        assert found.shape == expected.shape
        assert (found == expected).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused_with_what_to_do(value: float) -> None:
    file = io.BytesIO()
    tifffile.imwrite(file, np.full(SHAPE, value, np.float32))
    with pytest.raises(SkipFile, match=r"NaN or infinite: replace them, such as with numpy\.nan_to_num"):
        decode_image(file.getvalue(), Target(None))
