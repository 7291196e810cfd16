"""Read a .npy array of images or points. The file is memory-mapped, and not copied if no conversion is needed.

Axes: [N, H, W] is grey; [N, H, W, C] has C of 1, 3 or 4 (RGBA, which is composited on white); else [N, C, H, W] with C
of 1, 3 or 4. Floats [N, 2] are points in the plane. Booleans are black and white; the range of other values is found as
for image files, see `value_range`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.core.images import Pixels
from ganache.data.decoding import Target
from ganache.data.decoding_cost import MAX_DECODED_BYTES
from ganache.data.pixel_arrays import PixelArray, PixelBlocks, convert_block, iter_blocks, matches_target
from ganache.data.readers.reader import Reader, ReadOptions, Source
from ganache.data.value_range import DEFAULTS, FULL_FROM, Histogram, Kind, Range, decide, kind_of, sentence
from ganache.errors import DataError

MAGIC = b"\x93NUMPY"


class NpyReader(Reader):
    """Images as they are in the file (PixelArray), or converted block by block (PixelBlocks)."""

    help = "a .npy array of images or points"

    def opens(self, source: Source) -> bool:
        return source.starts_with(MAGIC)

    def read(self, source: Source, options: ReadOptions) -> PixelArray | PixelBlocks:
        """Raises DataError for an array that is neither images nor points."""
        assert source.path is not None
        return read_npy(source.path, options.target)


def read_npy(path: Path, target: Target) -> PixelArray | PixelBlocks:
    """Return the contents of a .npy file, converted to the target if necessary."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"'{path}' is not a readable .npy array ({error}): write it again with numpy.save.") from error
    if array.ndim == 2 and array.shape[1] == 2 and array.dtype.kind == "f" and len(array):
        return PixelArray(_points(array, path))
    images = _channels_last(array, path)
    _require_small_images(images, path)
    scale, remarks = _scale(images, target, path)
    is_ready = images.dtype == np.uint8 and scale == DEFAULTS[Kind.EIGHT]
    if is_ready and matches_target(images, target):
        return PixelArray(images, remarks=remarks)

    def blocks() -> Iterator[Pixels]:
        for block in iter_blocks(images):
            yield convert_block(np.ascontiguousarray(block) if is_ready else _to_uint8(block, scale), target)

    status = path.stat()
    key = ("npy", status.st_size, status.st_mtime_ns, PixelArray(array).fingerprint())
    return PixelBlocks(key, len(images), blocks, remarks=remarks)


def _points(array: NDArray[Any], path: Path) -> NDArray[np.float32]:
    """Return points as float32 [N, 2], read-only. Raises DataError for NaN and infinity."""
    points = np.array(array, dtype=np.float32)
    if not np.isfinite(points).all():
        raise DataError(f"'{path}' contains values that are not numbers: remove the points with NaN or infinity.")
    points.flags.writeable = False
    return points


def _channels_last(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """Return the same values as [N, H, W, C]."""
    if array.ndim == 3:
        array = array[..., None]
    elif array.ndim == 4 and array.shape[3] not in (1, 3, 4) and array.shape[1] in (1, 3, 4):
        array = array.transpose(0, 2, 3, 1)
    if array.ndim != 4 or array.shape[3] not in (1, 3, 4) or not array.size:
        shape = "x".join(str(n) for n in array.shape)
        raise DataError(
            f"'{path}' has the shape {shape}: give images as N x H x W, N x H x W x C or N x C x H x W, with C of 1, 3 "
            "or 4."
        )
    return array


def _require_small_images(images: NDArray[Any], path: Path) -> None:
    """Raise DataError if one image needs more memory than MAX_DECODED_BYTES: its values, pixels and their copies."""
    height, width = images.shape[1:3]
    needed = images[0].size * (2 * images.itemsize + 5)
    if needed > MAX_DECODED_BYTES:
        raise DataError(
            f"Each image in '{path}' has {width}x{height} pixels and needs {needed / 2**20:,.0f} MiB, more than "
            f"{MAX_DECODED_BYTES // 2**20} MiB: save smaller images, with the number of images as the first axis."
        )


def _scale(images: NDArray[Any], target: Target, path: Path) -> tuple[Range, tuple[str, ...]]:
    """Return the range of all values, and what the doctor says about it. Opacity does not count."""
    if images.dtype.kind not in "biuf" or images.itemsize > 8:
        raise DataError(f"'{path}' has values of the type {images.dtype}: give integers or floats.")
    if images.dtype.kind == "b":
        return Range(0, 1), ()
    kind, histogram = kind_of(images.dtype), Histogram()
    for block in iter_blocks(images[..., :3]):
        try:
            histogram.add(Histogram(block.min(), block.max()) if kind == Kind.EIGHT else Histogram.of(block))
        except ValueError:
            raise DataError(f"'{path}' has values from nan to nan: replace NaN and infinity.") from None
        if kind == Kind.EIGHT and histogram.high >= FULL_FROM:
            break
    given = target.ranges()
    chosen = given[kind] if given else decide(kind, histogram)
    if chosen.low == chosen.high:
        raise DataError(
            f"'{path}' has values from {histogram.low:g} to {histogram.high:g}: give 0 to 255, floats in [-1, 1], or "
            "--data.range LOW HIGH."
        )
    said = sentence(kind, histogram, chosen, given=given is not None)
    return chosen, (said,) if said else ()


def _to_uint8(block: NDArray[Any], scale: Range) -> Pixels:
    """Map values [n, H, W, C] from their range to [0, 255]; integers of an opacity have a range of their own."""
    if block.shape[3] < 4 or block.dtype.kind == "f":
        return scale.to_pixels(block)
    return np.concatenate(
        [scale.to_pixels(block[..., :3]), DEFAULTS[kind_of(block.dtype)].to_pixels(block[..., 3:])], axis=3
    )
