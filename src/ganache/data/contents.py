"""The check of what a reader returns: a plugin's mistake is one sentence, before anything is packed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast, get_args

import numpy as np

from ganache.core.images import Pixels
from ganache.core.table import described
from ganache.data.pixel_arrays import PixelArray, PixelBlocks
from ganache.data.readers.reader import Contents
from ganache.errors import DataError

IMAGES = "uint8 [N, H, W, C] with C of 1, 3 or 4"
POINTS = "float32 [N, 2]"


def checked(contents: Contents, reader: str) -> Contents:
    """Return the contents, whose blocks are checked when they are computed.

    Raises DataError, which names the reader, if they are of another type than `Contents`, or if an array has another
    shape or dtype than it says.
    """
    where = f"The reader '{reader}' (READERS['{reader}']) returned"
    if not isinstance(contents, get_args(Contents)):
        names = ", ".join(kind.__name__ for kind in get_args(Contents))
        raise DataError(f"{where} {described(contents)}: return one of {names}.")
    if isinstance(contents, PixelArray):
        if not is_images(contents.images) and not is_points(contents.images):
            raise DataError(f"{where} {shown(contents.images)}: return images as {IMAGES}, or points as {POINTS}.")
        check_labels(contents.labels, len(contents.images), contents.label_names, where)
    if isinstance(contents, PixelBlocks):
        check_labels(contents.labels, contents.count, contents.label_names, where)
        return replace(contents, blocks=lambda: checked_blocks(contents, where))
    return cast(Contents, contents)


def checked_blocks(contents: PixelBlocks, where: str) -> Iterator[Pixels]:
    """Yield the blocks. Raises DataError for one that does not consist of images."""
    for block in contents.blocks():
        if not is_images(block):
            raise DataError(f"{where} blocks, one of which is {shown(block)}: yield images as {IMAGES}.")
        yield block


def check_labels(labels: Any, count: int, names: tuple[str, ...], where: str) -> None:
    """Raise DataError unless labels are None, or one index into `names` per image."""
    if labels is None:
        return
    fits = isinstance(labels, np.ndarray) and labels.shape == (count,) and labels.dtype == np.int64
    if not fits or (count and not 0 <= labels.min() <= labels.max() < len(names)):
        raise DataError(
            f"{where} the labels {shown(labels)} and {len(names)} label_names: return int64 [{count}], "
            "indices into label_names."
        )


def is_images(array: Any) -> bool:
    """Whether an array is a batch of images."""
    return isinstance(array, np.ndarray) and array.dtype == np.uint8 and array.ndim == 4 and array.shape[3] in (1, 3, 4)


def is_points(array: Any) -> bool:
    """Whether an array is a batch of points in the plane."""
    return isinstance(array, np.ndarray) and array.dtype == np.float32 and array.shape[1:] == (2,)


def shown(value: Any) -> str:
    """Return dtype and shape of an array, for an error, else its type."""
    return f"{value.dtype} {list(value.shape)}" if isinstance(value, np.ndarray) else described(value)
