"""The pack: pictures decoded once, in one .npy file that is mapped into memory and never read as a whole.

A pack is a folder in the cache, named by the key of its source and settings:

    images.npy      uint8 [N, H, W, C]
    labels.npy      int64 [N], only with labels
    digests.npy     uint64 [N], of each picture's content
    pack.json       checksums, fingerprint, names of the labels, the diagnosis

It is written by `writing.Writer` and checked when opened here.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

VERSION = 2
"""Part of every key: raised when the same source would give other pixels, or a pack other files."""

CHUNK_BYTES = 4 * 2**20
"""Each chunk of the pixels has a checksum."""

_MOST_CHECKED = 48
"""So many chunks are read back at opening, evenly spaced: a pack of up to 192 MiB is checked whole."""


class Damaged(Exception):
    """A pack that is not as it was written. Caught by those who can pack again."""


@dataclass(frozen=True)
class Pack:
    """An opened pack."""

    images: NDArray[np.uint8]
    """[N, H, W, C], a read-only memory map."""

    labels: NDArray[np.int64] | None
    label_names: tuple[str, ...]
    digests: NDArray[np.uint64]
    """[N], as `split.digests` has them."""

    fingerprint: str
    extra: dict[str, Any]
    """What the writer was given to keep with it."""


def cache_folder(given: Path | None = None) -> Path:
    """Where packs lie: as given, else $GANACHE_CACHE, else $XDG_CACHE_HOME/ganache, else ~/.cache/ganache."""
    if given is not None:
        return Path(given)
    if named := os.environ.get("GANACHE_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ganache"


def key_of(*parts: object) -> str:
    """A folder's name for what a pack depends on: the same parts give the same key."""
    return hashlib.sha256(repr((VERSION, *parts)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def open_pack(folder: Path) -> Pack | None:
    """The pack in `folder`; None if there is none. Raises Damaged if it is not as it was written."""
    if not folder.is_dir():
        return None
    try:
        return _open(folder)
    except (OSError, ValueError, LookupError, TypeError) as error:
        # JSON that is cut, a header that is no header, a file that is gone: all mean one thing.
        raise Damaged(str(error)) from error


def _open(folder: Path) -> Pack:
    record = json.loads((folder / "pack.json").read_text(encoding="utf-8"))
    path = folder / "images.npy"
    if path.stat().st_size != record["bytes"]:
        raise Damaged(f"images.npy has {path.stat().st_size} bytes instead of {record['bytes']}")
    checksums = record["checksums"]
    last = len(checksums) - 1
    with open(path, "rb") as file:
        for i in sorted({round(i) for i in np.linspace(0, last, min(last + 1, _MOST_CHECKED))}):
            file.seek(record["header_bytes"] + i * CHUNK_BYTES)
            if zlib.crc32(file.read(CHUNK_BYTES)) != checksums[i]:
                raise Damaged(f"images.npy is not as it was written, near byte {i * CHUNK_BYTES}")
    images = np.load(path, mmap_mode="r", allow_pickle=False)
    if list(images.shape) != record["shape"] or images.dtype != np.uint8:
        raise Damaged(f"images.npy holds {images.dtype} {images.shape} instead of uint8 {record['shape']}")
    arrays = {name: _array(folder / f"{name}.npy", checksum) for name, checksum in record["arrays"].items()}
    return Pack(
        images=images,
        labels=arrays.get("labels"),
        label_names=tuple(record["label_names"]),
        digests=arrays["digests"],
        fingerprint=record["fingerprint"],
        extra=record["extra"],
    )


def _array(path: Path, checksum: int) -> NDArray[Any]:
    """A small array, read whole and checked."""
    array: NDArray[Any] = np.load(path, allow_pickle=False)
    array.flags.writeable = False
    if zlib.crc32(array.tobytes()) != checksum:
        raise Damaged(f"{path.name} is not as it was written")
    return array
