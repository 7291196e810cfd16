"""A hash of some bytes of a file, which tells it from another file of the same name, size and time."""

from __future__ import annotations

import hashlib
import io
from typing import BinaryIO

SAMPLE = 4096
"""Bytes of a block that is compared."""
BLOCKS = 3
"""Blocks of a picture that are compared: at its beginning, in its middle and at its end."""
MANY_BLOCKS = 1024
"""Blocks of a file that holds many pictures."""


def sampled_hash(file: BinaryIO | io.RawIOBase, size: int | None = None, blocks: int = BLOCKS) -> int:
    """Return a hash of evenly spaced blocks of an open file, the first and the last among them.

    All bytes count if they fit into the blocks. `size` is that of the file; None finds it. Raises OSError.
    """
    size = file.seek(0, io.SEEK_END) if size is None else size
    if size <= blocks * SAMPLE:
        starts = list(range(0, size, SAMPLE))
    else:
        starts = [(size - SAMPLE) * i // (blocks - 1) for i in range(blocks)]
    digest = hashlib.blake2b(digest_size=8)
    for start in starts:
        file.seek(start)
        digest.update(file.read(SAMPLE) or b"")
    return int.from_bytes(digest.digest(), "little")
