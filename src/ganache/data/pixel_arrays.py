"""Images that are arrays already, in memory or mapped from a file: their blocks, conversion and fingerprint."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganache.core.images import Pixels
from ganache.data.background import behind_clear
from ganache.data.colour_modes import to_plain_mode
from ganache.data.decoding import Target
from ganache.data.resizing import resize_to_fit
from ganache.data.value_range import Ranges
from ganache.errors import DataError

_BLOCK_BYTES = 8 * 2**20
_HASHED_BYTES = 256 * 2**20
"""Arrays up to this size are hashed completely, larger ones at 64 evenly spaced rows."""


@dataclass(frozen=True)
class PixelArray:
    """Images, or points in the plane, as one array."""

    images: NDArray[Any]
    """uint8 [N, H, W, C], or float32 [N, 2]. Not writeable."""

    labels: NDArray[np.int64] | None = None
    """Class indices [N]; None without labels."""

    label_names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    """Sentences of the doctor: the range of the values."""

    is_text: bool = False
    """Whether the images show written characters, which are not mirrored."""

    def fingerprint(self) -> str:
        """Return a hexadecimal hash of the content."""
        digest = hashlib.blake2b(repr((self.images.shape, self.label_names)).encode(), digest_size=16)
        is_large = self.images.nbytes > _HASHED_BYTES
        step = max(1, len(self.images) // 64) if is_large else rows_per_block(self.images)
        rows = 1 if is_large else step
        for start in range(0, len(self.images), step):
            digest.update(np.ascontiguousarray(self.images[start : start + rows]).tobytes())
        if self.labels is not None:
            digest.update(self.labels.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class PixelBlocks:
    """Images that are drawn or converted block by block, while they are packed."""

    key: tuple[object, ...]
    """Everything that the images depend on; part of the cache key."""

    count: int
    """Number of images."""

    blocks: Callable[[], Iterator[Pixels]]
    """Return an iterator over blocks uint8 [n, H, W, C]."""

    labels: NDArray[np.int64] | None = None
    label_names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    """Sentences of the doctor: the range of the values."""

    is_text: bool = False
    """Whether the images show written characters, which are not mirrored."""
    ranges: Ranges = field(default_factory=dict)
    """The stored values of black and white, for each kind of values that the images had."""


def rows_per_block(images: NDArray[Any]) -> int:
    """Return how many rows make a block of 8 MiB; at least 1."""
    return max(1, _BLOCK_BYTES // max(1, images.nbytes // max(1, len(images))))


def iter_blocks(images: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the rows of an array in blocks; the pages of a mapped file do not stay in memory."""
    step = rows_per_block(images)
    for start in range(0, len(images), step):
        require_whole(images)
        yield images[start : start + step]
        release_pages(images)


def require_whole(images: NDArray[Any]) -> None:
    """Raise DataError if the file of a memory-mapped array was cut short: reading beyond its end ends the process."""
    mapped = getattr(images, "_mmap", None)
    if mapped is not None and mapped.size() < len(mapped):
        name = getattr(images, "filename", "a file")
        raise DataError(f"'{name}' was cut short while it was in use: write it again, and leave it until the end.")


def release_pages(images: NDArray[Any]) -> None:
    """Drop the pages of a memory-mapped array from this process; they are read again when needed."""
    mapped = getattr(images, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def matches_target(images: NDArray[Any], target: Target) -> bool:
    """Whether images uint8 [N, H, W, C] have the target's size and channels."""
    height, width, channels = images.shape[1:]
    wanted = target.channels or (1 if channels == 1 else 3)
    return (target.size or (height, width)) == (height, width) and wanted == channels


def convert_block(block: Pixels, target: Target) -> Pixels:
    """Convert uint8 [n, H, W, C], C in {1, 3, 4}, to the target's size and channels."""
    if matches_target(block, target):
        return block
    rows = []
    for pixels in block:
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        simple, _ = to_plain_mode(image, target.channels, target.background)
        resized, _ = resize_to_fit(simple, target.size or (image.height, image.width), target.fit)
        row = np.asarray(resized if resized.mode != "RGBA" else behind_clear(resized, target.background))
        rows.append(row if row.ndim == 3 else row[:, :, None])
    return np.stack(rows)
