"""What a folder, a zip and a hub have in common: named entries, each of which can be read once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ganache.data.reasons import Reason, Skip, Skipped

MAX_BYTES = 128 * 2**20
"""Of one file, unpacked. Pictures of many pixels stay below; what is made to fill a memory does not."""

_LITTER = ("thumbs.db", "desktop.ini", "__macosx")


@dataclass(frozen=True)
class Entry:
    """One file of a source, looked at but not read."""

    name: str
    """Relative to the source, with forward slashes."""

    read: Callable[[], bytes]
    """The content, at most MAX_BYTES. Raises Skip where it cannot be had."""

    stamp: tuple[int, ...]
    """Changes when the content does: size and time for a file, size and checksum for an entry of a zip."""

    label: int | None = None
    """For sources that know it by themselves."""


@dataclass(frozen=True)
class Files:
    """A source made of files: what can be read, in the order of the names, and what cannot."""

    entries: Sequence[Entry]
    skipped: tuple[Skipped, ...] = ()
    stamp: str = ""
    """Of a zip: when and how large it was written. Looked at only where something in it could not be read."""

    place: str = ""
    """Where the files lie, if names and stamps alone do not tell two sources apart."""

    label_names: tuple[str, ...] = ()
    """For sources that know them by themselves; else labels are read off the sub-folders."""

    def key(self) -> str:
        """Hexadecimal, of the place, names and stamps: what the pack of these files is found under."""
        digest = hashlib.sha256(self.place.encode("utf-8", "surrogatepass"))
        for entry in self.entries:
            digest.update(f"{entry.name}\0{entry.stamp}\0".encode("utf-8", "surrogatepass"))
        for skipped in self.skipped:
            digest.update(f"{skipped.name}\0{skipped.reason}\0".encode("utf-8", "surrogatepass"))
        return digest.hexdigest()


def is_litter(name: str) -> bool:
    """Whether a file or folder is left by a system and not meant by anybody: hidden, thumbnails, __MACOSX."""
    return name.startswith(".") or name.lower() in _LITTER


def at_most(data: bytes) -> bytes:
    """The data, unless there are more of them than MAX_BYTES: then Skip."""
    if len(data) > MAX_BYTES:
        raise Skip(Reason.OVERSIZED, f"it unpacks to more than {MAX_BYTES // 2**20} MiB")
    return data


def labels_of(names: Iterable[str]) -> tuple[list[int], tuple[str, ...]] | None:
    """Labels from the folders that images lie in: one index a name, and the folders' names, sorted.

    The first level at which the images part counts, so a zip with one folder around everything is fine. None
    where an image lies beside the folders.

    >>> labels_of(["set/cat/1.png", "set/dog/1.png", "set/dog/old/2.png"])
    ([0, 1, 1], ('cat', 'dog'))
    >>> labels_of(["cat/1.png", "2.png"]) is None
    True
    """
    folders = [PurePosixPath(name).parts[:-1] for name in names]
    depth = 0
    while all(len(parts) > depth for parts in folders):
        classes = tuple(sorted({parts[depth] for parts in folders}))
        if len(classes) > 1:
            index = {name: i for i, name in enumerate(classes)}
            return [index[parts[depth]] for parts in folders], classes
        if not classes:
            return None
        depth += 1
    return None
