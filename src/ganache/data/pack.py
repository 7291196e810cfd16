"""The file format of packs: decoded images in one .npy file that is memory-mapped and never read completely.

A pack is a folder in the cache, named by the cache key of its source and settings:

    images.npy      uint8 [N, H, W, C]
    labels.npy      int64 [N], only with labels
    digests.npy     uint64 [N], hash of each image
    pack.json       checksums, fingerprint, label names, diagnosis

`pack_writer.PackWriter` writes it; `open_pack` checks it.
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

VERSION = 3
"""Part of every cache key. Increase it when the same source would give other pixels, or a pack other files."""

CHUNK_BYTES = 4 * 2**20
"""Bytes of pixels per checksum."""

_MAX_CHECKED = 48
"""Chunks that are checked when a pack is opened, evenly spaced: packs up to 192 MiB are checked completely."""


class DamagedPack(Exception):
    """The content of a pack is not what was written. Caught by code that can build the pack again."""


@dataclass(frozen=True)
class Pack:
    """An opened pack."""

    images: NDArray[np.uint8]
    """[N, H, W, C], a read-only memory map."""

    labels: NDArray[np.int64] | None
    label_names: tuple[str, ...]
    digests: NDArray[np.uint64]
    """[N], see `split.content_digests`."""

    fingerprint: str
    extra: dict[str, Any]
    """Data that the writer stored with the pack: the diagnosis and the stamp of the source."""


def cache_folder(given: Path | None = None) -> Path:
    """Return the cache folder: `given`, else $GANACHE_CACHE, else $XDG_CACHE_HOME/ganache, else ~/.cache/ganache."""
    if given is not None:
        return Path(given)
    if named := os.environ.get("GANACHE_CACHE"):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ganache"


def cache_key(*parts: object) -> str:
    """Return a name for what a pack depends on: a hash of the parts' `repr`, 32 hexadecimal digits."""
    return hashlib.sha256(repr((VERSION, *parts)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def open_pack(folder: Path) -> Pack | None:
    """Return the pack in `folder`; None if there is none. Raises DamagedPack if its content changed."""
    if not folder.is_dir():
        return None
    try:
        return _open(folder)
    except (OSError, ValueError, LookupError, TypeError) as error:
        # Truncated JSON, an invalid header or a missing file: the pack is damaged.
        raise DamagedPack(str(error)) from error


def _open(folder: Path) -> Pack:
    record = json.loads((folder / "pack.json").read_text(encoding="utf-8"))
    path = folder / "images.npy"
    if path.stat().st_size != record["bytes"]:
        raise DamagedPack(f"images.npy has {path.stat().st_size} bytes instead of {record['bytes']}")
    checksums = record["checksums"]
    last = len(checksums) - 1
    with open(path, "rb") as file:
        for i in sorted({round(i) for i in np.linspace(0, last, min(last + 1, _MAX_CHECKED))}):
            file.seek(record["header_bytes"] + i * CHUNK_BYTES)
            if zlib.crc32(file.read(CHUNK_BYTES)) != checksums[i]:
                raise DamagedPack(f"images.npy does not match its checksum near byte {i * CHUNK_BYTES}")
    images = np.load(path, mmap_mode="r", allow_pickle=False)
    if list(images.shape) != record["shape"] or images.dtype != np.uint8:
        raise DamagedPack(f"images.npy contains {images.dtype} {images.shape} instead of uint8 {record['shape']}")
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
    """Return a small array after checking its checksum."""
    array: NDArray[Any] = np.load(path, allow_pickle=False)
    array.flags.writeable = False
    if zlib.crc32(array.tobytes()) != checksum:
        raise DamagedPack(f"{path.name} does not match its checksum")
    return array
