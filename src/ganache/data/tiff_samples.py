"""Read TIFF files whose values are not 8-bit integers, which Pillow reads partly wrongly or not at all.

Pillow's TIFF library decompresses them: it is given a description of the same bytes as a grey 8-bit picture that is as
many times wider as a pixel has bytes. NumPy then gives the bytes their type.
"""

from __future__ import annotations

import io
import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from ganache.core.images import Pixels
from ganache.data.decode_errors import DECODE_ERRORS
from ganache.data.formats import RAW
from ganache.data.samples import Samples, read_array
from ganache.data.skip_reasons import SkipFile, SkipReason

BIG_ENDIAN = b"MM\0+"
"""Signature of a large file (BigTIFF), whose numbers are big-endian: Pillow does not know it."""
SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", BIG_ENDIAN)

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _ORIENTATION, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES, _PLANAR = 273, 274, 277, 278, 279, 284
_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_BYTES = 317, 322, 323, 324, 325
_SUBFILE_TYPE, _SUB_DIRECTORIES, _EXTRA, _FORMAT, _DNG_VERSION, _NO_DATA = 254, 330, 338, 339, 50706, 42113
"""Tags of TIFF 6.0; the last two are those of DNG and GDAL."""

_KINDS = {1: "u", 2: "i", 3: "f", 4: "u"}
"""SampleFormat -> NumPy's kind of numbers."""

_COLOURS = {0: 1, 1: 1, 2: 3, 5: 4}
"""PhotometricInterpretation (min-is-white, min-is-black, RGB, CMYK) -> number of colour samples."""

_BYTEWISE = {1, 5, 8, 32773, 32946, 34925, 50000}
"""Compressions that know nothing of pixels: none, LZW, deflate, PackBits, LZMA, Zstandard."""


@dataclass(frozen=True)
class DeepTiff:
    """How a TIFF stores the values of its first picture."""

    tags: Any
    """Tag -> value, as Pillow reads them."""

    width: int
    height: int
    dtype: np.dtype[Any]
    """Type of one value, in the byte order of the file."""

    samples: int
    """Values per pixel: colours, then extra samples."""

    colours: int
    """1 for grey, 3 for RGB, 4 for CMYK."""

    @property
    def orientation(self) -> int:
        """The EXIF orientation, 1 to 8."""
        value = self.tags.get(_ORIENTATION, 1)
        return value if isinstance(value, int) and 1 <= value <= 8 else 1

    @property
    def mode(self) -> str:
        """Pillow's name for such a picture, as far as there is one."""
        if self.colours == 4:
            return "CMYK"
        if self.dtype.itemsize == 1 and self.dtype.kind == "u" and self.colours == 1:
            return "L" if self.samples == 1 else "LA"
        if self.colours == 3:
            return "RGB" if self.samples == 3 else "RGBA"
        return {"f": "F", "u2": "I;16"}.get(self.dtype.kind, {"u2": "I;16"}.get(self.dtype.str[1:], "I"))

    @property
    def has_more_pages(self) -> bool:
        """Whether the file holds further pictures."""
        return bool(self.tags.next)

    @property
    def is_predicted(self) -> bool:
        """Whether the values are stored as differences."""
        return bool(self.tags.get(_PREDICTOR, 1) != 1)

    @property
    def buffer(self) -> int:
        """Bytes of the largest part that is decompressed at once."""
        return _bytes_of_part(self)


def read_header(data: bytes) -> DeepTiff | None:
    """Return the description of a TIFF with values other than 8-bit integers; None for any other file.

    Raises SkipFile, with what was found, if it stores them in a way that is not read.
    """
    if not data.startswith(SIGNATURES):
        return None
    tags = _directory(data)
    if data[8:11] == b"CR\2" or _is_raw(tags):
        raise SkipFile(SkipReason.NOT_AN_IMAGE, RAW.what)
    if tags.next and _is_thumbnail(tags, data):
        raise SkipFile(SkipReason.NOT_AN_IMAGE, "a thumbnail, and then a larger picture, which is not read")
    bits, formats = _all(tags, _BITS, 1), _all(tags, _FORMAT, 1)
    photometric, compression = tags.get(_PHOTOMETRIC), tags.get(_COMPRESSION, 1)
    samples = tags.get(_SAMPLES, 1)
    colours = _COLOURS.get(photometric, 0)
    is_usual = max(bits) <= 8 and set(formats) <= {1, 4}
    # Pillow mixes up 8-bit samples beside the colours if each has a plane of its own, or if black is the largest value.
    is_mixed_up = set(bits) == {8} and samples > colours > 0 and (tags.get(_PLANAR) == 2 or photometric == 0)
    if is_usual and not is_mixed_up and not data.startswith(BIG_ENDIAN):
        return None
    predictor = tags.get(_PREDICTOR, 1)
    is_known = (
        len(set(bits)) == len(set(formats)) == 1
        and (formats[0], bits[0]) != (3, 8)
        and bits[0] in (8, 16, 32, 64)
        and formats[0] in _KINDS
        and (colours in (1, 3) or (colours == 4 and bits[0] <= 16 and formats[0] == 1))
        and colours <= samples <= colours + 4
        and compression in _BYTEWISE
        and tags.get(_FILL_ORDER, 1) == 1
        and (predictor == 1 or (predictor == 2 and formats[0] != 3) or (predictor == 3 and formats[0] == 3))
    )
    if not is_known and (is_usual or (bits == (12,) and photometric == 1)):
        return None
    if not is_known:
        described = "x".join(str(each) for each in bits)
        raise SkipFile(
            SkipReason.DAMAGED,
            f"a TIFF with {described} bits per pixel, sample format {formats[0]}, photometric interpretation "
            f"{photometric} and compression {compression} is not read: save it with 8 or 16 bits as PNG",
        )
    return _described(tags, data, formats[0], bits[0], samples, colours)


def _is_raw(tags: Any) -> bool:
    """Whether the first picture is the thumbnail of a raw photo, which is described elsewhere in the file."""
    kind = tags.get(_SUBFILE_TYPE, 0)
    is_reduced = isinstance(kind, int) and kind & 1 == 1
    return (is_reduced and bool(_SUB_DIRECTORIES in tags or tags.next)) or _DNG_VERSION in tags


def _is_thumbnail(tags: Any, data: bytes) -> bool:
    """Whether the next picture is at least twice as wide and high as the first one."""
    try:
        following = _directory(data, tags.next)
        return bool(all(following.get(side, 0) >= 2 * tags[side] > 0 for side in (_WIDTH, _HEIGHT)))
    except DECODE_ERRORS:
        return False  # damage that is not in the first picture


def _described(tags: Any, data: bytes, sample_format: int, bits: int, samples: int, colours: int) -> DeepTiff:
    order = "<" if data[:2] == b"II" else ">"
    dtype = np.dtype(f"{order}{_KINDS[sample_format]}{bits // 8}")
    return DeepTiff(tags, int(tags[_WIDTH]), int(tags[_HEIGHT]), dtype, samples, colours)


def read_values(tiff: DeepTiff, data: bytes) -> Samples:
    """Return the values of the first picture, not rotated. `data` are the bytes of the file."""
    if tiff.tags.get(_PLANAR, 1) == 2 and tiff.samples > 1:
        planes = [_plane(tiff, data, i) for i in range(tiff.samples)]
        values = np.concatenate(planes, axis=2)
    else:
        values = _plane(tiff, data, None)
    colour = values[:, :, : tiff.colours]
    if tiff.samples > tiff.colours and _all(tiff.tags, _EXTRA, -1)[0] == 1:
        colour = _divided(colour, values[:, :, tiff.colours : tiff.colours + 1])
    return Samples(colour, _alpha(tiff, values), tiff.tags.get(_PHOTOMETRIC) == 0, _no_data(tiff), tiff.orientation)


def _directory(data: bytes, start: int | None = None) -> Any:
    """Return the tags of the picture whose description begins at byte `start`, by default those of the first."""
    file = io.BytesIO(data)
    header = file.read(16 if data[2:3] == b"+" or data[3:4] == b"+" else 8)
    is_unknown = data.startswith(BIG_ENDIAN)
    directory: Any = TiffImagePlugin.ImageFileDirectory_v2(header[:8] if is_unknown else header)
    if is_unknown:
        directory._bigtiff, directory.next = True, int.from_bytes(header[8:], "big")
    file.seek(directory.next if start is None else start)
    directory.load(file)
    return directory


def _all(tags: Any, tag: int, default: int) -> tuple[int, ...]:
    """Return the values of a tag as a tuple of at least one."""
    value = tags.get(tag, default)
    return tuple(value) if isinstance(value, tuple) and value else (int(value or default),)


def _bytes_of_part(tiff: DeepTiff) -> int:
    """Return the size in bytes of a strip or tile after decompression."""
    pixel = tiff.dtype.itemsize * (1 if tiff.tags.get(_PLANAR, 1) == 2 else tiff.samples)
    if _TILE_WIDTH in tiff.tags:
        return int(tiff.tags[_TILE_WIDTH]) * int(tiff.tags.get(_TILE_HEIGHT, tiff.height)) * pixel
    return min(int(tiff.tags.get(_ROWS_PER_STRIP, tiff.height)), tiff.height) * tiff.width * pixel


def _plane(tiff: DeepTiff, data: bytes, plane: int | None) -> NDArray[Any]:
    """Return values [H, W, S]: all samples of each pixel, or the one of this plane."""
    samples = tiff.samples if plane is None else 1
    pixel = samples * tiff.dtype.itemsize
    with TiffImagePlugin.TiffImageFile(io.BytesIO(_as_bytes(tiff, data, plane, pixel))) as image:
        image.load()
        octets = read_array(image)[:, :, 0]
    if octets.shape != (tiff.height, tiff.width * pixel) or octets.dtype != np.uint8:
        raise SkipFile(SkipReason.DAMAGED, "the TIFF does not have as many bytes as its header says")
    width = int(tiff.tags.get(_TILE_WIDTH, tiff.width))
    predictor = tiff.tags.get(_PREDICTOR, 1) if tiff.tags.get(_COMPRESSION, 1) != 1 else 1
    parts = [
        _undo_predictor(octets[:, left * pixel : (left + width) * pixel], predictor, tiff.dtype, samples)
        for left in range(0, tiff.width, width)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def _undo_predictor(octets: Pixels, predictor: int, dtype: np.dtype[Any], samples: int) -> NDArray[Any]:
    """Return values [H, W, S] of a strip or a column of tiles, from its bytes [H, W * S * itemsize]."""
    height = len(octets)
    if predictor == 3:
        # The most significant bytes of a row come first, then the next ones; all as differences of bytes.
        octets = octets.reshape(height, -1, samples).cumsum(axis=1, dtype=np.uint8).reshape(height, dtype.itemsize, -1)
        words = np.ascontiguousarray(octets.transpose(0, 2, 1))
        return words.view(dtype.newbyteorder(">")).reshape(height, -1, samples)
    values = np.ascontiguousarray(octets).view(dtype).reshape(height, -1, samples)
    if predictor == 2:
        unsigned = values.view(f"{dtype.byteorder}u{dtype.itemsize}")
        return unsigned.cumsum(axis=1, dtype=f"u{dtype.itemsize}").view(dtype.newbyteorder("="))
    return values


def _as_bytes(tiff: DeepTiff, data: bytes, plane: int | None, pixel: int) -> bytes:
    """Return a TIFF with the same compressed data, in which each byte of a value is one pixel."""
    order = ">" if data[:2] == b"MM" else "<"
    tags = tiff.tags
    is_tiled = _TILE_OFFSETS in tags
    offsets = _all(tags, _TILE_OFFSETS if is_tiled else _STRIP_OFFSETS, 0)
    lengths = _all(tags, _TILE_BYTES if is_tiled else _STRIP_BYTES, 0)
    if plane is not None:
        count = len(offsets) // tiff.samples
        offsets, lengths = offsets[plane * count : (plane + 1) * count], lengths[plane * count : (plane + 1) * count]
    entries: dict[int, tuple[int, ...]] = {
        _WIDTH: (tiff.width * pixel,),
        _HEIGHT: (tiff.height,),
        _BITS: (8,),
        _COMPRESSION: (tags.get(_COMPRESSION, 1),),
        _PHOTOMETRIC: (1,),
        _TILE_OFFSETS if is_tiled else _STRIP_OFFSETS: offsets,
        _TILE_BYTES if is_tiled else _STRIP_BYTES: lengths,
        _SAMPLES: (1,),
    }
    if is_tiled:
        entries |= {_TILE_WIDTH: (tags[_TILE_WIDTH] * pixel,), _TILE_HEIGHT: (tags[_TILE_HEIGHT],)}
    else:
        entries[_ROWS_PER_STRIP] = (min(tags.get(_ROWS_PER_STRIP, tiff.height), tiff.height),)
    start = len(data) + len(data) % 2
    outside, directory = b"", struct.pack(f"{order}H", len(entries))
    after = start + 2 + 12 * len(entries) + 4
    for tag, values in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(values)}I", *values)
        place = packed if len(values) == 1 else struct.pack(f"{order}I", after + len(outside))
        outside += packed if len(values) > 1 else b""
        directory += struct.pack(f"{order}HHI", tag, 4, len(values)) + place
    signature = data[:2] + struct.pack(f"{order}H", 42)
    return b"".join(
        (
            signature,
            struct.pack(f"{order}I", start),
            memoryview(data)[8:],
            bytes(start - len(data)),
            directory,
            bytes(4),
            outside,
        )
    )


def _alpha(tiff: DeepTiff, values: NDArray[Any]) -> Pixels | None:
    """Return the opacity uint8 [H, W] of the first extra sample, if it is one."""
    if tiff.samples == tiff.colours or not _is_alpha(tiff):
        return None
    alpha = values[:, :, tiff.colours]
    largest = 1.0 if tiff.dtype.kind == "f" else float(np.iinfo(tiff.dtype).max)
    return np.rint(alpha.astype(np.float32).clip(0, largest) * (255 / largest)).astype(np.uint8)


def _divided(colour: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """Return colours [H, W, C] that were stored multiplied by their opacity [H, W, 1]."""
    result = np.empty(colour.shape, colour.dtype)
    largest = 1.0 if colour.dtype.kind == "f" else float(np.iinfo(colour.dtype).max)
    for row, opacity, divided in zip(colour, alpha, result, strict=True):
        numbers = row * (largest / np.maximum(opacity.astype(np.float64), 1e-9))
        divided[:] = numbers if colour.dtype.kind == "f" else np.rint(numbers.clip(-largest, largest))
    return result


def _is_alpha(tiff: DeepTiff) -> bool:
    """Whether the first extra sample is the opacity. Pillow takes a fourth sample of RGB for it, if nothing is said."""
    kinds = _all(tiff.tags, _EXTRA, -1)
    return kinds[0] in (1, 2) or (kinds[0] == -1 and tiff.colours == 3 and tiff.samples == 4)


def _no_data(tiff: DeepTiff) -> float | None:
    """Return GDAL's value for pixels without data; None if there is none that such values can have."""
    try:
        value = float(str(tiff.tags.get(_NO_DATA, "")).strip("\0 "))
        if math.isnan(value) or float(tiff.dtype.type(value)) != value:
            return None
    except (ValueError, OverflowError):
        return None
    return value
