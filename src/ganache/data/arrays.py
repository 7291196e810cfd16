"""Arrays of pictures, whole in memory or mapped: their rows made to fit, their fingerprint, their diagnosis."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganache.core.images import Pixels
from ganache.data.diagnosis import Diagnosis, counted
from ganache.data.duplicates import exact_groups
from ganache.data.fitting import fitted
from ganache.data.picture import Target
from ganache.data.plain import plain

_BLOCK_BYTES = 8 * 2**20
_WHOLE_BYTES = 256 * 2**20
"""An array up to this size is hashed whole, a larger one at 64 evenly spaced places."""


@dataclass(frozen=True)
class Array:
    """Pictures that are numbers already."""

    images: NDArray[Any]
    """uint8 [N, H, W, C], or float32 [N, 2]."""

    labels: NDArray[np.int64] | None = None
    label_names: tuple[str, ...] = ()

    def fingerprint(self) -> str:
        """Hexadecimal, of the content."""
        digest = hashlib.blake2b(repr((self.images.shape, self.label_names)).encode(), digest_size=16)
        step = max(1, len(self.images) // 64) if self.images.nbytes > _WHOLE_BYTES else rows_per_block(self.images)
        rows = 1 if self.images.nbytes > _WHOLE_BYTES else step
        for start in range(0, len(self.images), step):
            digest.update(np.ascontiguousarray(self.images[start : start + rows]).tobytes())
        if self.labels is not None:
            digest.update(self.labels.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Blocks:
    """Pictures that are made, converted or drawn block by block, and packed on the way."""

    key: tuple[object, ...]
    """What they depend on."""

    count: int
    blocks: Callable[[], Iterator[Pixels]]
    """Makes them, uint8 [n, H, W, C] at a time."""

    labels: NDArray[np.int64] | None = None
    label_names: tuple[str, ...] = ()


def rows_per_block(images: NDArray[Any]) -> int:
    """How many rows to take at a time, so that memory stays flat."""
    return max(1, _BLOCK_BYTES // max(1, images.nbytes // max(1, len(images))))


def in_blocks(images: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """The rows of an array, a few MiB at a time; of a mapped file what was read does not stay in memory."""
    step = rows_per_block(images)
    for start in range(0, len(images), step):
        yield images[start : start + step]
        let_go(images)


def let_go(images: NDArray[Any]) -> None:
    """Take a mapped file's pages out of this program's memory; they are read again when they are asked for."""
    mapped = getattr(images, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def fits(images: NDArray[Any], target: Target) -> bool:
    """Whether uint8 pictures [N, H, W, C] are as asked for already."""
    height, width, channels = images.shape[1:]
    wanted = target.channels or (1 if channels == 1 else 3)
    return (target.size or (height, width)) == (height, width) and wanted == channels


def fit_block(block: Pixels, target: Target) -> Pixels:
    """uint8 [n, H, W, 1, 3 or 4] -> uint8 [n, H', W', C'] of the target."""
    if fits(block, target):
        return block
    rows = []
    for pixels in block:
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        simple, _ = plain(image, target.channels)
        row = np.asarray(fitted(simple, target.size or (image.height, image.width), target.fit)[0])
        rows.append(row if row.ndim == 3 else row[:, :, None])
    return np.stack(rows)


def diagnose_array(
    name: str, images: NDArray[Any], labels: NDArray[np.int64] | None, label_names: tuple[str, ...]
) -> Diagnosis:
    """What there is to say of pictures that are no files: how many, how large, which are the same."""
    digests = [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for block in in_blocks(images) for row in block]
    exact = tuple(tuple(f"no. {i}" for i in group) for group in exact_groups(digests))
    height, width, channels = (*images.shape[1:], 0, 0)[:3]
    is_picture = images.ndim == 4
    return Diagnosis(
        source=name,
        files=len(images),
        usable=len(images),
        shape=tuple(images.shape[1:]),
        sizes={f"{width}x{height}": len(images)} if is_picture else {},
        modes={"L" if channels == 1 else "RGB": len(images)} if is_picture else {},
        conversions={},
        skipped=(),
        exact_duplicates=exact,
        near_duplicates=(),
        classes=counted(label_names[label] for label in labels) if labels is not None else {},
    )
