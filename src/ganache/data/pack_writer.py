"""Write a pack atomically: it exists completely or not at all.

It is written to a temporary folder, synced and renamed. A killed process leaves only a temporary folder; of two
processes that build the same pack at the same time, the first to finish wins.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.core import storage
from ganache.core.images import Pixels
from ganache.data.pack import CHUNK_BYTES
from ganache.data.split import content_digests
from ganache.errors import DataError

_TEMPORARY = "writing-"

_WRITE_BYTES = 2**20
"""Images are written and hashed when this many bytes are collected."""

_STALE_SECONDS = 24 * 3600
"""After a day, no process is still writing to a temporary folder."""


class PackWriter:
    """Writes images block by block to the pack `folder`.

    Use it as a context manager; an unfinished pack is removed on exit. Raises DataError if the disk is full or the
    cache cannot be written.
    """

    def __init__(self, folder: Path, *, expected: int) -> None:
        """`expected` is an upper bound on the number of images, to check the free space in advance."""
        self.folder = folder
        self.shape: tuple[int, ...] | None = None
        """(H, W, C) of every image; None before the first."""
        self.count = 0
        self._expected = expected
        self._digest = hashlib.blake2b(digest_size=16)
        self._pending: list[Pixels] = []
        self._pending_bytes = 0
        self._digests: list[NDArray[np.uint64]] = []
        self._checksums: list[int] = []
        self._crc = 0
        self._in_chunk = 0

    def __enter__(self) -> PackWriter:
        with _data_errors(self.folder):
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            _remove_stale(self.folder.parent)
            self._temporary = storage.create_temporary_folder(self.folder.parent, _TEMPORARY)
            # Closed in __exit__, on every way out.
            self._file = open(self._temporary / "images.npy", "wb", buffering=2**20)
        return self

    def __exit__(self, *error: object) -> None:
        # Closing flushes the buffer, which fails again on a full disk; the folder is removed in any case.
        with contextlib.suppress(OSError):
            self._file.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def add(self, block: Pixels) -> None:
        """Append images uint8 [n, H, W, C]; all blocks have the same H, W and C."""
        if self.shape is None:
            self.shape = tuple(block.shape[1:])
            with _data_errors(self.folder):
                self._check_room()
                self._write_header()
        self.count += len(block)
        self._pending.append(block)
        self._pending_bytes += block.nbytes
        if self._pending_bytes >= _WRITE_BYTES:
            self._write_pending()

    def _write_pending(self) -> None:
        """Write and hash many images at a time: each call that releases the GIL waits for the threads that decode."""
        if not self._pending:
            return
        images = np.concatenate(self._pending)
        self._pending, self._pending_bytes = [], 0
        data = memoryview(images.reshape(-1).data)
        with _data_errors(self.folder):
            self._file.write(data)
        self._digests.append(content_digests(images))
        self._digest.update(data)
        self._checksum(data)

    def finish(self, labels: NDArray[np.int64] | None, label_names: tuple[str, ...], extra: dict[str, Any]) -> None:
        """Write labels [N], names and `extra` (JSON-serialisable) beside the images, and move the pack to its place."""
        self._write_pending()
        shape = (self.count, *(self.shape or ()))
        self._digest.update(repr((shape, label_names)).encode())
        if labels is not None:
            self._digest.update(labels.tobytes())
        if self._in_chunk:
            self._checksums.append(self._crc)
        arrays: dict[str, NDArray[Any]] = {"digests": np.concatenate(self._digests)}
        if labels is not None:
            arrays["labels"] = labels
        with _data_errors(self.folder):
            header_bytes = self._write_header()
            self._file.seek(0, os.SEEK_END)
            record = {
                "shape": shape,
                "bytes": self._file.tell(),
                "header_bytes": header_bytes,
                "checksums": self._checksums,
                "arrays": {name: zlib.crc32(array.tobytes()) for name, array in arrays.items()},
                "label_names": label_names,
                "fingerprint": self._digest.hexdigest(),
                "extra": extra,
            }
            self._seal(arrays, record)

    def _seal(self, arrays: dict[str, NDArray[Any]], record: dict[str, Any]) -> None:
        """Sync everything to the disk, then rename: a power cut leaves the whole pack or none."""
        storage.sync_file(self._file)
        for name, array in arrays.items():
            with storage.atomic_file(self._temporary / f"{name}.npy") as file:
                np.save(file, array, allow_pickle=False)
        storage.write_text(self._temporary / "pack.json", json.dumps(record))
        # False if another process has written the same pack meanwhile; that one is used, and ours removed on exit.
        storage.rename_folder(self._temporary, self.folder)

    def _write_header(self) -> int:
        """Write the .npy header for the images so far at the start of the file, and return its length in bytes.

        It is written twice, since the number of images is known only at the end. NumPy pads it for any number.
        """
        header = {"descr": "|u1", "fortran_order": False, "shape": (self.count, *(self.shape or ()))}
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(self._file, header)
        return self._file.tell()

    def _checksum(self, data: memoryview) -> None:
        """Update the checksums of the chunks with `data`."""
        while len(data):
            part = data[: CHUNK_BYTES - self._in_chunk]
            self._crc = zlib.crc32(part, self._crc if self._in_chunk else 0)
            self._in_chunk += len(part)
            data = data[len(part) :]
            if self._in_chunk == CHUNK_BYTES:
                self._checksums.append(self._crc)
                self._in_chunk = 0

    def _check_room(self) -> None:
        """Raise DataError now, not after hours, if the disk has too little space for the pack."""
        needed = self._expected * int(np.prod(self.shape or ()))
        free = shutil.disk_usage(self._temporary).free
        if needed > free:
            raise DataError(
                f"The pack needs up to {_in_bytes(needed)} and {self.folder.parent} has {_in_bytes(free)} free: choose "
                "a smaller size, or set $GANACHE_CACHE to another folder."
            )


def _in_bytes(count: int) -> str:
    """Return a number of bytes in the unit in which it has some digits."""
    return f"{count / 2**30:,.1f} GiB" if count >= 2**30 else f"{count / 2**20:,.1f} MiB"


def delete_pack(folder: Path) -> None:
    """Delete a pack. Raises DataError if the cache cannot be written."""
    with _data_errors(folder):
        # Renamed first, so that no other process opens a part of it.
        aside = storage.create_temporary_folder(folder.parent, _TEMPORARY)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(aside / "damaged")
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _data_errors(folder: Path) -> Iterator[None]:
    """Raise DataError in place of OSError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(
                f"The disk of the cache {folder.parent} is full: make room, or set $GANACHE_CACHE to another folder."
            ) from error
        raise DataError(
            f"The cache {folder.parent} cannot be written ({error.strerror or error}): check its permissions, or set "
            "$GANACHE_CACHE to another folder."
        ) from error


def _remove_stale(cache: Path) -> None:
    """Remove temporary folders of processes that were killed long ago."""
    for folder in cache.glob(f"{_TEMPORARY}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
