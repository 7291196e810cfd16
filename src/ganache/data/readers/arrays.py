"""Arrays of images or points that a file or table stores, turned into what training needs.

Axes: [N, H, W] is grey; [N, H, W, C] has C of 1, 3 or 4 (RGBA, which is composited on white); else [N, C, H, W] with C
of 1, 3 or 4. Rows [N, P] are grey images if P is a square, colour images if it is three times one. Floats [N, 2] are
points in the plane. Booleans are black and white; the range of other values is found as for image files, see
`value_range`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.core.images import Pixels
from ganache.data.decoding import MIN_SIDE, Target
from ganache.data.decoding_cost import MAX_DECODED_BYTES
from ganache.data.labels import labels_from_values
from ganache.data.pixel_arrays import PixelArray, PixelBlocks, convert_block, iter_blocks, matches_target
from ganache.data.value_range import DEFAULTS, FULL_FROM, Histogram, Kind, Range, decide, kind_of, sentence
from ganache.errors import DataError

MAX_BYTES = 4 * 2**30
"""Tables are read into memory up to this size; larger sets can be given as .npy or as image files."""

MIN_ROW, GLYPH_SIDE = 8 * 8, 32
"""The fewest values of an image in one row; grey images up to this side are mostly written characters."""


def contents_of(
    array: NDArray[Any],
    where: str,
    target: Target,
    labels: NDArray[Any] | None = None,
    key: tuple[object, ...] = (),
) -> PixelArray | PixelBlocks:
    """Return the images or points of an array with their labels [N], converted to the target if necessary.

    Raises DataError, which names `where`, for an array that is neither images nor points.
    """
    indices, names = (None, ()) if labels is None else labels_from_values(labels)
    if array.ndim == 2 and array.shape[1] == 2 and array.dtype.kind == "f" and len(array):
        return PixelArray(_points(array, where), indices, names)
    images = _channels_last(array, where)
    _require_small_images(images, where)
    scale, remarks = range_of(images, target, where)
    is_text = indices is not None and images.shape[3] == 1 and max(images.shape[1:3]) <= GLYPH_SIDE
    is_ready = images.dtype == np.uint8 and scale == DEFAULTS[Kind.EIGHT]
    if is_ready and matches_target(images, target):
        images.flags.writeable = False
        return PixelArray(images, indices, names, remarks, is_text)

    def blocks() -> Iterator[Pixels]:
        for block in iter_blocks(images):
            yield convert_block(np.ascontiguousarray(block) if is_ready else _to_uint8(block, scale), target)

    identity = ("npy", *key, PixelArray(array, indices, names).fingerprint())
    ranges = {kind_of(images.dtype): scale}
    return PixelBlocks(identity, len(images), blocks, indices, names, remarks, is_text, ranges)


def side_of_row(values: int) -> int | None:
    """Return the side of a square image of so many values, grey or in colour; None if there is none."""
    for channels in (1, 3):
        side = math.isqrt(values // channels)
        if values >= MIN_ROW and side * side * channels == values:
            return side
    return None


def images_of_rows(rows: NDArray[Any]) -> NDArray[Any]:
    """Return rows [N, P] as images [N, H, W, C].

    Colours may be stored plane by plane, as in CIFAR, or pixel by pixel: neighbours are alike in the right layout.
    """
    side = side_of_row(rows.shape[1])
    assert side is not None
    if side * side == rows.shape[1]:
        return rows.reshape(-1, side, side, 1)
    planes = rows.reshape(-1, 3, side, side).transpose(0, 2, 3, 1)
    pixels = rows.reshape(-1, side, side, 3)
    return min(planes, pixels, key=_roughness)


def _roughness(images: NDArray[Any]) -> float:
    """Return the mean difference of neighbours in the first images."""
    some = images[:64].astype(np.float64)
    return float(np.abs(np.diff(some, axis=1)).mean() + np.abs(np.diff(some, axis=2)).mean())


def _points(array: NDArray[Any], where: str) -> NDArray[np.float32]:
    """Return points as float32 [N, 2], read-only. Raises DataError for NaN and infinity."""
    points = np.array(array, dtype=np.float32)
    if not np.isfinite(points).all():
        raise DataError(f"'{where}' contains values that are not numbers: remove the points with NaN or infinity.")
    points.flags.writeable = False
    return points


def _channels_last(array: NDArray[Any], where: str) -> NDArray[Any]:
    """Return the same values as [N, H, W, C]."""
    if array.ndim == 3 and array.shape[2] in (3, 4) and min(array.shape[:2]) >= MIN_SIDE:
        raise DataError(
            f"'{where}' holds one picture of {array.shape[1]}x{array.shape[0]} pixels: give an array of many, "
            "N x H x W x C, or image files."
        )
    if array.ndim == 3:
        array = array[..., None]
    elif array.ndim == 2 and len(array) and side_of_row(array.shape[1]) and array.dtype.kind in "biuf":
        array = images_of_rows(array)
    elif array.ndim == 4 and array.shape[3] not in (1, 3, 4) and array.shape[1] in (1, 3, 4):
        array = array.transpose(0, 2, 3, 1)
    if array.ndim != 4 or array.shape[3] not in (1, 3, 4) or not array.size:
        shape = "x".join(str(n) for n in array.shape)
        raise DataError(
            f"'{where}' has the shape {shape}: give images as N x H x W, N x H x W x C or N x C x H x W, with C of 1, "
            "3 or 4."
        )
    return array


def _require_small_images(images: NDArray[Any], where: str) -> None:
    """Raise DataError if one image needs more memory than MAX_DECODED_BYTES: its values, pixels and their copies."""
    height, width = images.shape[1:3]
    needed = images[0].size * (2 * images.itemsize + 5)
    if needed > MAX_DECODED_BYTES:
        raise DataError(
            f"Each image in '{where}' has {width}x{height} pixels and needs {needed / 2**20:,.0f} MiB, more than "
            f"{MAX_DECODED_BYTES // 2**20} MiB: save smaller images, with the number of images as the first axis."
        )


def range_of(images: NDArray[Any], target: Target, where: str) -> tuple[Range, tuple[str, ...]]:
    """Return the range of all values of images [N, H, W, C], and what the doctor says about it.

    Opacity does not count. Raises DataError, which names `where`, for values that are not finite numbers.
    """
    if images.dtype.kind not in "biuf" or images.itemsize > 8:
        raise DataError(f"'{where}' has values of the type {images.dtype}: give integers or floats.")
    if images.dtype.kind == "b":
        return Range(0, 1), ()
    kind, histogram = kind_of(images.dtype), Histogram()
    for block in iter_blocks(images[..., :3]):
        try:
            histogram.add(Histogram(block.min(), block.max()) if kind == Kind.EIGHT else Histogram.of(block))
        except ValueError:
            raise DataError(f"'{where}' has values from nan to nan: replace NaN and infinity.") from None
        if kind == Kind.EIGHT and histogram.high >= FULL_FROM:
            break
    given = target.ranges()
    chosen = given[kind] if given else decide(kind, histogram)
    if chosen.low == chosen.high:
        raise DataError(
            f"'{where}' has values from {histogram.low:g} to {histogram.high:g}: give 0 to 255, floats in [-1, 1], or "
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
