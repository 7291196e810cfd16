"""A folder -> its files, links followed, nothing opened that is not a regular file."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ganache.data.readers.files import MAX_BYTES, Entry, Files, at_most, is_litter
from ganache.data.reasons import Reason, Skip, Skipped
from ganache.errors import DataError


def folder_files(folder: Path) -> Files:
    """All files below `folder`, sorted by name. Raises DataError where the folder itself cannot be listed."""
    walk = _Walk()
    try:
        walk.run(folder)
    except OSError as error:
        raise DataError(f"'{folder}' cannot be listed ({error.strerror}): check its permissions.") from error
    walk.entries.sort(key=lambda entry: entry.name)
    walk.skipped.sort(key=lambda skipped: skipped.name)
    # The place is part of the key: elsewhere, files of the same names, sizes and times may have other pixels.
    return Files(tuple(walk.entries), tuple(walk.skipped), place=str(folder.resolve()))


class _Walk:
    """One walk through a folder: what it found, and which folders it has been in."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.skipped: list[Skipped] = []
        self._waiting: deque[tuple[str, os.DirEntry[str]]] = deque()
        self._visited: set[tuple[int, int]] = set()

    def run(self, root: Path) -> None:
        """Visit all folders. Raises OSError where the first one cannot be listed."""
        self._list("", root)
        while self._waiting:
            name, folder = self._waiting.popleft()
            self._guarded(name, partial(self._list, name, folder))

    def _list(self, prefix: str, folder: Path | os.DirEntry[str]) -> None:
        """Take what lies in one folder, which must not have been visited by another way."""
        found = os.stat(folder)
        if (found.st_dev, found.st_ino) in self._visited:
            raise Skip(Reason.SYMLINK_LOOP, f"leads to {os.path.realpath(folder)}, which is read already")
        self._visited.add((found.st_dev, found.st_ino))
        with os.scandir(folder) as listing:
            inside = sorted((entry for entry in listing if not is_litter(entry.name)), key=lambda e: e.name)
        for entry in inside:
            name = f"{prefix}/{entry.name}" if prefix else entry.name
            self._guarded(name, partial(self._take, name, entry))

    def _take(self, name: str, entry: os.DirEntry[str]) -> None:
        """A folder waits; a file becomes an entry if it is a regular one: opening a pipe would wait for ever."""
        found = entry.stat()
        if stat.S_ISDIR(found.st_mode):
            # Links wait behind all real folders, so that a folder is read under its own name.
            wait = self._waiting.append if entry.is_symlink() else self._waiting.appendleft
            wait((name, entry))
            return
        if not stat.S_ISREG(found.st_mode):
            raise Skip(Reason.SPECIAL)
        # The mode is part of the stamp: a file that becomes readable is worth another look.
        stamp = (found.st_size, found.st_mtime_ns, found.st_mode)
        self.entries.append(Entry(name, partial(_read, entry.path, found.st_size), stamp))

    def _guarded(self, name: str, step: Callable[[], None]) -> None:
        """Do one step; what cannot be done becomes a skipped file."""
        try:
            step()
        except Skip as skip:
            self.skipped.append(Skipped(name, skip.reason, skip.detail))
        except OSError as error:
            refused = _unreadable(error)
            self.skipped.append(Skipped(name, refused.reason, refused.detail))


def _read(path: str, size: int) -> bytes:
    """The content of a regular file, and one byte more than it may have if it grew meanwhile."""
    try:
        with open(path, "rb") as file:
            return at_most(file.read(min(size, MAX_BYTES) + 1))
    except OSError as error:
        raise Skip(Reason.UNREADABLE, error.strerror or str(error)) from error


def _unreadable(error: OSError) -> Skip:
    """Why the system refused."""
    if error.errno == errno.ELOOP:
        return Skip(Reason.SYMLINK_LOOP, "the link leads to itself")
    if error.errno == errno.ENOENT:
        return Skip(Reason.BROKEN_SYMLINK)
    return Skip(Reason.UNREADABLE, error.strerror or str(error))
