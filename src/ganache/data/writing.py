"""Writing a pack so that it is there whole or not at all.

It is written under another name, synced and renamed: a killed process leaves only a temporary folder, and of two
that pack the same at once the first to finish wins.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.core.images import Pixels
from ganache.data.pack import CHUNK_BYTES
from ganache.data.split import digests
from ganache.errors import DataError

_TEMPORARY = "writing-"

_STALE_SECONDS = 24 * 3600
"""After a day, a temporary folder belongs to no process that still packs."""


class Writer:
    """Takes pictures block by block, and makes the pack `folder` of them when finished.

    Use it as a context: what is not finished at its end is removed. Raises DataError where the disk is full or the
    cache cannot be written.
    """

    def __init__(self, folder: Path, *, expected: int) -> None:
        """`expected`: at most so many pictures will come, to see beforehand whether they have room."""
        self.folder = folder
        self.shape: tuple[int, ...] | None = None
        """Height, width and channels of every picture; None before the first."""
        self.count = 0
        self._expected = expected
        self._digest = hashlib.blake2b(digest_size=16)
        self._contents: list[NDArray[np.uint64]] = []
        self._checksums: list[int] = []
        self._crc = 0
        self._in_chunk = 0

    def __enter__(self) -> Writer:
        with _disk(self.folder):
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            _sweep(self.folder.parent)
            self._place = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=self.folder.parent))
            # Closed in __exit__, on every way out.
            self._file = open(self._place / "images.npy", "wb", buffering=2**20)
        return self

    def __exit__(self, *error: object) -> None:
        # Closing writes what is buffered, which fails once more on a full disk; the folder goes anyhow.
        with contextlib.suppress(OSError):
            self._file.close()
        shutil.rmtree(self._place, ignore_errors=True)

    def add(self, block: Pixels) -> None:
        """Append pictures uint8 [n, H, W, C]; all blocks have the same H, W and C."""
        with _disk(self.folder):
            if self.shape is None:
                self.shape = tuple(block.shape[1:])
                self._check_room()
                self._write_header()
            data = memoryview(np.ascontiguousarray(block).reshape(-1).data)
            self._file.write(data)
        self.count += len(block)
        self._contents.append(digests(block))
        self._digest.update(data)
        self._checksum(data)

    def finish(self, labels: NDArray[np.int64] | None, label_names: tuple[str, ...], extra: dict[str, Any]) -> None:
        """Make it a pack: labels [N] and `extra` (JSON) are kept with the pictures."""
        shape = (self.count, *(self.shape or ()))
        self._digest.update(repr((shape, label_names)).encode())
        if labels is not None:
            self._digest.update(labels.tobytes())
        if self._in_chunk:
            self._checksums.append(self._crc)
        arrays: dict[str, NDArray[Any]] = {"digests": np.concatenate(self._contents)}
        if labels is not None:
            arrays["labels"] = labels
        with _disk(self.folder):
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
        """Everything to the disk, then the name: after the rename a power cut can no longer hurt it."""
        _sync(self._file)
        for name, array in arrays.items():
            with open(self._place / f"{name}.npy", "wb") as file:
                np.save(file, array, allow_pickle=False)
                _sync(file)
        with open(self._place / "pack.json", "w", encoding="utf-8") as text:
            json.dump(record, text)
            _sync(text)
        _sync_folder(self._place)
        try:
            self._place.rename(self.folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            # Another process packed the same meanwhile: its pack is as good, and ours is removed on leaving.
            return
        _sync_folder(self.folder.parent)

    def _write_header(self) -> int:
        """The .npy header for the pictures so far, at the beginning of the file; its length in bytes.

        It is written twice: the number of pictures is known at the end. numpy leaves room for any number.
        """
        header = {"descr": "|u1", "fortran_order": False, "shape": (self.count, *(self.shape or ()))}
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(self._file, header)
        return self._file.tell()

    def _checksum(self, data: memoryview) -> None:
        """Carry the checksums of the chunks on over `data`."""
        while len(data):
            part = data[: CHUNK_BYTES - self._in_chunk]
            self._crc = zlib.crc32(part, self._crc if self._in_chunk else 0)
            self._in_chunk += len(part)
            data = data[len(part) :]
            if self._in_chunk == CHUNK_BYTES:
                self._checksums.append(self._crc)
                self._in_chunk = 0

    def _check_room(self) -> None:
        """A pack that cannot fit is refused at once, not after hours."""
        needed = self._expected * int(np.prod(self.shape or ()))
        free = shutil.disk_usage(self._place).free
        if needed > free:
            raise DataError(
                f"the pack needs up to {needed / 2**30:.1f} GiB and {self.folder.parent} has {free / 2**30:.1f} GiB "
                "free: choose a smaller size or another cache folder ($GANACHE_CACHE)."
            )


def discard(folder: Path) -> None:
    """Remove a pack. Raises DataError where the system refuses."""
    with _disk(folder):
        # Renamed first, so that no other process opens half of it.
        aside = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=folder.parent))
        with contextlib.suppress(FileNotFoundError):
            folder.rename(aside / "damaged")
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """The one place where the disk's refusals become sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DataError(
                f"the disk of the cache {folder.parent} is full: make room, or name another folder with $GANACHE_CACHE."
            ) from error
        raise DataError(
            f"the cache {folder.parent} cannot be written ({error.strerror or error}): "
            "check it, or name another folder with $GANACHE_CACHE."
        ) from error


def _sweep(cache: Path) -> None:
    """Remove what processes that were killed long ago left behind."""
    for place in cache.glob(f"{_TEMPORARY}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - place.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(place, ignore_errors=True)


def _sync(file: Any) -> None:
    """From Python's buffer through the system's to the disk."""
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """The names in a folder, too, are on the disk only after this."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
