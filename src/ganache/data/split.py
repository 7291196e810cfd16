"""Pictures set aside, which training never sees: what was learnt by heart shows against them.

A picture's side depends on its pixels alone. So it is the same at every start, whatever is added to the data later,
and a picture that is there twice is on one side only. (One that was saved again with other losses is another picture.)
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.data.arrays import in_blocks

FEWEST = 200
"""A set of fewer pictures keeps none aside: it needs them all, and a handful proves nothing."""


def digests(images: NDArray[Any]) -> NDArray[np.uint64]:
    """64 bits of the content of each of uint8 [N, H, W, C] or float32 [N, 2]: equal pictures, equal bits."""
    rows = (row for block in in_blocks(images) for row in block)
    words = (hashlib.blake2b(row.tobytes(), digest_size=8, person=b"held out").digest() for row in rows)
    return np.fromiter((int.from_bytes(word, "little") for word in words), np.uint64, len(images))


def set_aside(contents: NDArray[np.uint64], share: float) -> NDArray[np.int64]:
    """Positions of about `share` of the pictures whose digests are `contents` [N], ascending; none of a small set.

    A picture that alone would fill the share, such as the only colour of a broken set, stays in training.
    """
    if not share or len(contents) < FEWEST:
        return np.empty(0, dtype=np.int64)
    _, group, sizes = np.unique(contents, return_inverse=True, return_counts=True)
    chosen = (contents < np.uint64(share * 2.0**64)) & (sizes[group] <= share * len(contents))
    return np.flatnonzero(chosen).astype(np.int64)
