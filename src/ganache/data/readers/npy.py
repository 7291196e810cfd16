"""Read a .npy array of images or points. The file is memory-mapped, and not copied if no conversion is needed.

Axes: [N, H, W] is grey; [N, H, W, C] has C of 1, 3 or 4 (RGBA, which is composited on white); else [N, C, H, W] with C
of 1, 3 or 4. Floats [N, 2] are points in the plane. Values: integers are 0 to 255 (uint16: 0 to 65535), booleans are
black and white; floats are in [0, 1] if all values are, else in [-1, 1] if all are, else 0 to 255.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.core.images import Pixels
from ganache.data.decoding import Target
from ganache.data.pixel_arrays import PixelArray, PixelBlocks, convert_block, iter_blocks, matches_target
from ganache.data.readers.reader import Reader, ReadOptions, Source
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
    black, white = _black_and_white(images, path)
    if images.dtype == np.uint8 and matches_target(images, target):
        return PixelArray(images)

    def blocks() -> Iterator[Pixels]:
        for block in iter_blocks(images):
            yield convert_block(_to_uint8(block, black, white), target)

    status = path.stat()
    key = ("npy", status.st_size, status.st_mtime_ns, PixelArray(array).fingerprint())
    return PixelBlocks(key, len(images), blocks)


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


def _black_and_white(images: NDArray[Any], path: Path) -> tuple[float, float]:
    """Return the values of black and white: one rule for the whole array, from its minimum and maximum."""
    kind = images.dtype.kind
    if images.dtype == np.uint8:
        return 0, 255
    if kind == "b":
        return 0, 1
    if images.dtype == np.uint16:
        return 0, 65535
    if kind not in "iuf":
        raise DataError(f"'{path}' has values of the type {images.dtype}: give integers or floats.")
    low, high = _range(images)
    if kind == "f" and low >= 0 and high <= 1:
        return 0, 1
    if kind == "f" and low >= -1 and high <= 1:
        return -1, 1
    if low >= 0 and high <= 255:
        return 0, 255
    raise DataError(f"'{path}' has values from {low:g} to {high:g}: give 0 to 255, or floats in [-1, 1].")


def _range(images: NDArray[Any]) -> tuple[float, float]:
    """Return minimum and maximum, read in blocks; both are NaN if any value is."""
    low = np.min([block.min() for block in iter_blocks(images)])
    high = np.max([block.max() for block in iter_blocks(images)])
    return float(low), float(high)


def _to_uint8(block: NDArray[Any], black: float, white: float) -> Pixels:
    """Map [black, white] to [0, 255], rounded."""
    if block.dtype == np.uint8:
        return np.ascontiguousarray(block)
    return np.rint((block.astype(np.float64) - black) * (255.0 / (white - black))).astype(np.uint8)
