"""A .npy file of pictures -> uint8 [N, H, W, C], mapped as it lies where that can be done.

Axes: [N, H, W] is grey; [N, H, W, C] with C of 1, 3 or 4 (transparency, laid on white); else [N, C, H, W] with C of
1, 3 or 4. [N, 2] of decimals are points in the plane. Values: integers are 0 to 255 (uint16: 0 to 65535), booleans
black and white; decimals are [0, 1] if all lie there, else [-1, 1], else 0 to 255.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.core.images import Pixels
from ganache.data.arrays import Array, Blocks, fit_block, fits, in_blocks
from ganache.data.picture import Target
from ganache.errors import DataError

MAGIC = b"\x93NUMPY"


def read_npy(path: Path, target: Target) -> Array | Blocks:
    """The pictures, as they lie (Array) or to be converted (Blocks). Raises DataError for what is no picture."""
    try:
        found = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"'{path}' is not a readable .npy array ({error}).") from error
    if found.ndim == 2 and found.shape[1] == 2 and found.dtype.kind == "f" and len(found):
        return Array(_points(found, path))
    images = _channels_last(found, path)
    scale = _scale(images, path)
    if images.dtype == np.uint8 and fits(images, target):
        return Array(images)

    def blocks() -> Iterator[Pixels]:
        for block in in_blocks(images):
            yield fit_block(_as_uint8(block, scale), target)

    status = path.stat()
    return Blocks(("npy", status.st_size, status.st_mtime_ns, Array(found).fingerprint()), len(images), blocks)


def _points(found: NDArray[Any], path: Path) -> NDArray[np.float32]:
    points = np.array(found, dtype=np.float32)
    if not np.isfinite(points).all():
        raise DataError(f"'{path}' holds values that are not numbers.")
    points.flags.writeable = False
    return points


def _channels_last(found: NDArray[Any], path: Path) -> NDArray[Any]:
    """The same values as [N, H, W, C]."""
    if found.ndim == 3:
        found = found[..., None]
    elif found.ndim == 4 and found.shape[3] not in (1, 3, 4) and found.shape[1] in (1, 3, 4):
        found = found.transpose(0, 2, 3, 1)
    if found.ndim != 4 or found.shape[3] not in (1, 3, 4) or not found.size:
        shape = "x".join(str(n) for n in found.shape)
        raise DataError(f"'{path}' has the shape {shape}: pictures are N x H x W, N x H x W x C or N x C x H x W.")
    return found


def _scale(images: NDArray[Any], path: Path) -> tuple[float, float]:
    """Which values are black and white: one rule for the whole array, read off its least and greatest value."""
    kind = images.dtype.kind
    if images.dtype == np.uint8:
        return 0, 255
    if kind == "b":
        return 0, 1
    if images.dtype == np.uint16:
        return 0, 65535
    if kind not in "iuf":
        raise DataError(f"'{path}' holds values of the kind {images.dtype}: pictures are integers or decimals.")
    least, most = _range(images)
    if kind == "f" and least >= 0 and most <= 1:
        return 0, 1
    if kind == "f" and least >= -1 and most <= 1:
        return -1, 1
    if least >= 0 and most <= 255:
        return 0, 255
    raise DataError(f"'{path}' has values from {least:g} to {most:g}: expected 0 to 255, or decimals in [-1, 1].")


def _range(images: NDArray[Any]) -> tuple[float, float]:
    """Least and greatest value, read in blocks; not-a-number is both."""
    least = np.min([block.min() for block in in_blocks(images)])
    most = np.max([block.max() for block in in_blocks(images)])
    return float(least), float(most)


def _as_uint8(block: NDArray[Any], scale: tuple[float, float]) -> Pixels:
    """Values between black and white -> 0 to 255, rounded."""
    if block.dtype == np.uint8:
        return np.ascontiguousarray(block)
    black, white = scale
    return np.rint((block.astype(np.float64) - black) * (255.0 / (white - black))).astype(np.uint8)
