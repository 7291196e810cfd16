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

from ganache.core import storage
from ganache.errors import DataError

VERSION = 4
"""Part of every cache key. Increase it when the same source would give other pixels, or a pack other files."""

CHUNK_BYTES = 4 * 2**20
"""Bytes of pixels per checksum."""

_MAX_CHECKED = 48
"""Chunks that are checked when a pack is opened, evenly spaced: packs up to 192 MiB are checked completely."""


_RECORD = {
    "shape": list,
    "bytes": int,
    "header_bytes": int,
    "checksums": list,
    "arrays": dict,
    "label_names": list,
    "fingerprint": str,
    "extra": dict,
}
"""Keys of `pack.json`, and the types of their values."""
_ARRAYS = {"digests", "labels"}


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


def pack_folder(cache: Path, *parts: object) -> Path:
    """Return the folder of the pack that depends on `parts`.

    Its checksums tell damage, not intent. So a pack that another account wrote is left alone, and this account has its
    own beside it. Raises DataError if that one is of another account too.
    """
    folder = cache / cache_key(*parts)
    own = folder.with_name(f"{folder.name}-{os.getuid()}") if hasattr(os, "getuid") else folder
    for candidate in (folder, own):
        if not os.path.lexists(candidate) or storage.is_of_this_account(candidate):
            return candidate
    raise DataError(f"The packs in {cache} belong to another account: set $GANACHE_CACHE to a folder of your own.")


def open_pack(folder: Path) -> Pack | None:
    """Return the pack in `folder`; None if there is none. Raises DamagedPack if its content changed."""
    if not folder.is_dir():
        return None
    try:
        return _open(folder)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        # Truncated JSON, an invalid header, a missing file or a pipe in its place: the pack is damaged.
        raise DamagedPack(str(error)) from error


def _read_record(folder: Path) -> dict[str, Any]:
    """Return the content of `pack.json`. Raises OSError, or ValueError, LookupError or TypeError for other content."""
    record = json.loads(storage.read_text(folder / "pack.json"))
    for name, kind in _RECORD.items():
        if type(record[name]) is not kind:
            raise TypeError(f"pack.json has a {name} of another type")
    numbers = (record["bytes"], record["header_bytes"], *record["shape"], *record["checksums"])
    if not all(type(number) is int and 0 <= number < 2**63 for number in numbers) or len(record["shape"]) != 4:
        raise ValueError("pack.json has a number out of range")
    if type(record["extra"].get("remarks", [])) is not list:
        raise TypeError("pack.json has remarks of another type")
    if not all(type(name) is str for name in record["label_names"]) or not record["arrays"].keys() <= _ARRAYS:
        raise ValueError("pack.json has other names")
    return record  # type: ignore[no-any-return]


def _open(folder: Path) -> Pack:
    record = _read_record(folder)
    path = folder / "images.npy"
    if path.stat().st_size != record["bytes"]:
        raise DamagedPack(f"images.npy has {path.stat().st_size} bytes instead of {record['bytes']}")
    checksums = record["checksums"]
    last = len(checksums) - 1
    with storage.open_regular(path) as file:
        for i in sorted({round(i) for i in np.linspace(0, last, min(last + 1, _MAX_CHECKED))}):
            file.seek(record["header_bytes"] + i * CHUNK_BYTES)
            if zlib.crc32(file.read(CHUNK_BYTES)) != checksums[i]:
                raise DamagedPack(f"images.npy does not match its checksum near byte {i * CHUNK_BYTES}")
    images = np.load(path, mmap_mode="r", allow_pickle=False)
    if list(images.shape) != record["shape"] or images.dtype != np.uint8:
        raise DamagedPack(f"images.npy contains {images.dtype} {images.shape} instead of uint8 {record['shape']}")
    arrays = {name: _array(folder / f"{name}.npy", checksum) for name, checksum in record["arrays"].items()}
    labels, count = arrays.get("labels"), len(images)
    if arrays["digests"].shape != (count,) or arrays["digests"].dtype != np.uint64:
        raise DamagedPack("digests.npy does not fit the images")
    if labels is not None and (labels.shape != (count,) or labels.dtype != np.int64):
        raise DamagedPack("labels.npy does not fit the images")
    if labels is not None and count and not 0 <= labels.min() <= labels.max() < len(record["label_names"]):
        raise DamagedPack("labels.npy names other classes")
    return Pack(
        images=images,
        labels=labels,
        label_names=tuple(record["label_names"]),
        digests=arrays["digests"],
        fingerprint=record["fingerprint"],
        extra=record["extra"],
    )


def _array(path: Path, checksum: int) -> NDArray[Any]:
    """Return a small array after checking its checksum."""
    storage.require_regular(path)
    array: NDArray[Any] = np.array(np.load(path, mmap_mode="r", allow_pickle=False))  # mapped: its length is checked
    array.flags.writeable = False
    if zlib.crc32(array.tobytes()) != checksum:
        raise DamagedPack(f"{path.name} does not match its checksum")
    return array
