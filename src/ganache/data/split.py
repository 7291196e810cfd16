"""Split a data set into training images and held-out images, which training never sees.

The split of an image depends on its pixels only. So it is the same in every run, it does not change when images are
added to the data, and duplicates are in the same split. (An image that was compressed again has other pixels.)
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.data.pixel_arrays import iter_blocks

MIN_IMAGES = 200
"""Smaller data sets are not split: training needs all images, and a few held-out images give no significant test."""


def content_digests(images: NDArray[Any]) -> NDArray[np.uint64]:
    """Return a 64-bit hash [N] of the content of each of images uint8 [N, H, W, C] or points float32 [N, 2]."""
    rows = (row for block in iter_blocks(images) for row in block)
    words = (hashlib.blake2b(row.tobytes(), digest_size=8, person=b"held out").digest() for row in rows)
    return np.fromiter((int.from_bytes(word, "little") for word in words), np.uint64, len(images))


def held_out_positions(digests: NDArray[np.uint64], share: float) -> NDArray[np.int64]:
    """Return the indices, ascending, of about `share` of the images with these digests [N]; none of a small set.

    An image with so many duplicates that they exceed the share stays in training.
    """
    if not share or len(digests) < MIN_IMAGES:
        return np.empty(0, dtype=np.int64)
    _, group, sizes = np.unique(digests, return_inverse=True, return_counts=True)
    is_held_out = (digests < np.uint64(share * 2.0**64)) & (sizes[group] <= share * len(digests))
    return np.flatnonzero(is_held_out).astype(np.int64)
