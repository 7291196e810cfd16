"""Image files of a folder, an archive or a hub: named files, each of which can be read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ganache.data.labels import LabelRule
from ganache.data.pixel_arrays import PixelArray, PixelBlocks
from ganache.data.skip_reasons import SkipFile, SkippedFile, SkipReason

MAX_BYTES = 256 * 2**20
"""Largest file that is read, after decompression: a large scan has fewer bytes, a decompression bomb more."""

_SYSTEM_FILES = ("thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "icon\r")


@dataclass(frozen=True)
class ImageFile:
    """One file of a source that has not been read yet."""

    name: str
    """Path relative to the source, with forward slashes."""

    read: Callable[[], bytes]
    """Return the content, at most MAX_BYTES. Raises SkipFile if it cannot be read."""

    stamp: tuple[int, ...]
    """Changes when the content does: size and time of a file, size and checksum of an archive's entry."""

    label: int | None = None
    """Class index, if the source stores labels."""


@dataclass(frozen=True)
class ImageFiles:
    """The files of a source, sorted by name, and those that cannot be read."""

    entries: Sequence[ImageFile]
    skipped: tuple[SkippedFile, ...] = ()
    stamp: str = ""
    """Size and modification time of an archive. Compared only if a file in it could not be read."""

    location: str = ""
    """Path of the folder, for sources in which names and stamps do not identify the content."""

    label_names: tuple[str, ...] = ()
    """Names of the classes, if the source stores labels; else the sub-folders are the labels."""

    labels: LabelRule = "auto"

    def key(self) -> str:
        """Return a hexadecimal hash of location, names and stamps; part of the cache key."""
        digest = hashlib.sha256(self.location.encode("utf-8", "surrogatepass"))
        for entry in self.entries:
            digest.update(f"{entry.name}\0{entry.stamp}\0".encode("utf-8", "surrogatepass"))
        for skipped in self.skipped:
            digest.update(f"{skipped.name}\0{skipped.reason}\0".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


@dataclass(frozen=True)
class RemoteFiles:
    """Images that are fetched, or unpacked, only if there is no pack of them."""

    key: tuple[object, ...]
    """Everything that the files depend on; part of the cache key."""

    fetch: Callable[[], ImageFiles | PixelArray | PixelBlocks]
    """Return the files, or the images of a table. Raises DataError if they cannot be fetched."""

    is_local: bool = False
    """Whether they come from a file here, not from the network."""


def is_system_file(name: str) -> bool:
    """Whether a file or folder belongs to the operating system, not to the data: hidden, thumbnails, __MACOSX.

    A hidden file that stands for a picture in iCloud does not: its picture is missing.
    """
    return (name.startswith(".") and not name.endswith(".icloud")) or name.lower() in _SYSTEM_FILES


def limit_size(data: bytes) -> bytes:
    """Return the data. Raises SkipFile if there are more than MAX_BYTES."""
    if len(data) > MAX_BYTES:
        raise SkipFile(SkipReason.OVERSIZED, f"more than {MAX_BYTES // 2**20} MiB: save it as JPEG or PNG")
    return data
