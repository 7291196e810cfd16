"""A hash of some bytes of a file, which tells it from another file of the same name, size and time."""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO

SAMPLE = 4096
"""Bytes that are compared at the beginning, in the middle and at the end of a file."""


def sampled_hash(file: BinaryIO | io.RawIOBase, size: int | None = None) -> int:
    """Return a hash of the first, middle and last 4 KiB of an open file: of all its bytes if they are up to 12 KiB.

    `size` is that of the file; None finds it. Raises OSError.
    """
    size = file.seek(0, io.SEEK_END) if size is None else size
    starts = (0, (size - SAMPLE) // 2, size - SAMPLE) if size > 3 * SAMPLE else range(0, size, SAMPLE)
    digest = hashlib.blake2b(digest_size=8)
    for start in starts:
        file.seek(start)
        digest.update(file.read(SAMPLE) or b"")
    return int.from_bytes(digest.digest(), "little")
