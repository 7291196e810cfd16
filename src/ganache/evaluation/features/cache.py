"""Cache of tensors that were computed from a data set: features of real images, weights of a classifier."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from torch import Tensor

from ganache.core import checkpoint_file, storage
from ganache.data.pack import cache_folder, cache_key
from ganache.errors import CheckpointError
from ganache.evaluation.features.base import Positions

VERSION = 1
"""Part of every key. Increase it when the same inputs would give other tensors."""


def cached_tensors(
    cache: Path | None, key: tuple[object, ...], compute: Callable[[], dict[str, Tensor]]
) -> dict[str, Tensor]:
    """Return the tensors that depend on `key` alone: from the cache, else computed and stored.

    A damaged file is computed again; a cache that cannot be written is ignored.
    """
    path = cache_folder(cache) / "features" / f"{cache_key(VERSION, *key)}{checkpoint_file.SUFFIX}"
    with suppress(CheckpointError, OSError):
        if storage.is_of_this_account(path):  # its checksum tells damage, not intent
            return checkpoint_file.load(path)[0]
    tensors = compute()
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint_file.save(path, tensors, {})
    return tensors


def positions_digest(positions: Positions) -> str:
    """Return the SHA-256 of the indices, hexadecimal."""
    return hashlib.sha256(positions.tobytes()).hexdigest()
