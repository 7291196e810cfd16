"""Read a folder of image files. Links are followed; only regular files are opened."""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ganache.data.readers.image_files import MAX_BYTES, ImageFile, ImageFiles, is_system_file, limit_size
from ganache.data.readers.reader import Reader, ReadOptions, Source
from ganache.data.readers.sampling import BLOCKS, sampled_hash
from ganache.data.readers.tables import TableContents, open_binary, table_in
from ganache.data.skip_reasons import SkipFile, SkippedFile, SkipReason
from ganache.errors import DataError


class FolderReader(Reader):
    """All files below a folder, sorted by name."""

    help = "a folder of image files"

    def opens(self, source: Source) -> bool:
        return source.is_folder

    def read(self, source: Source, options: ReadOptions) -> ImageFiles | TableContents:
        """A table below the folder is read instead. Raises DataError if the folder itself cannot be listed."""
        assert source.path is not None
        walk = _Walk()
        try:
            if options.most_files is not None:
                _Walk(options.most_files).run(source.path)
            walk.run(source.path)
        except OSError as error:
            raise DataError(f"'{source.path}' cannot be listed ({error.strerror}): check its permissions.") from error
        walk.entries.sort(key=lambda entry: entry.name)
        walk.skipped.sort(key=lambda skipped: skipped.name)
        root = str(source.path.resolve())
        members = {entry.name: partial(open_binary, source.path / entry.name) for entry in walk.entries}
        if (table := table_in(members, (root,), options)) is not None:
            return table
        # The path is part of the key: files in another folder with the same names, sizes and times can differ.
        return ImageFiles(tuple(walk.entries), tuple(walk.skipped), location=root)


class _Walk:
    """One walk through a folder: the files found, and the folders visited."""

    def __init__(self, most: int | None = None) -> None:
        """`most`: the files are only counted, and of more than that, `run` raises DataError."""
        self._most, self._count = most, 0
        self.entries: list[ImageFile] = []
        self.skipped: list[SkippedFile] = []
        self._queue: deque[tuple[str, os.DirEntry[str]]] = deque()
        self._visited: set[tuple[int, int]] = set()

    def run(self, root: Path) -> None:
        """Visit all folders. Raises OSError if the root cannot be listed."""
        self._list("", root)
        while self._queue:
            name, folder = self._queue.popleft()
            self._or_skip(name, partial(self._list, name, folder))

    def _list(self, prefix: str, folder: Path | os.DirEntry[str]) -> None:
        """Visit the entries of one folder. Raises SkipFile if it was visited under another name."""
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in self._visited:
            target = os.path.realpath(folder)
            raise SkipFile(SkipReason.SYMLINK_LOOP, f"leads to {target}, which is already read")
        self._visited.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as listing:
            entries = sorted((entry for entry in listing if not is_system_file(entry.name)), key=lambda e: e.name)
        for entry in entries:
            name = f"{prefix}/{entry.name}" if prefix else entry.name
            self._or_skip(name, partial(self._visit, name, entry))

    def _visit(self, name: str, entry: os.DirEntry[str]) -> None:
        """Queue a folder, or add a regular file: opening a pipe would block for ever."""
        status = entry.stat()
        if stat.S_ISDIR(status.st_mode):
            # Links are visited after all folders, so that a folder is read under its own name.
            queue = self._queue.append if entry.is_symlink() else self._queue.appendleft
            queue((name, entry))
            return
        if not stat.S_ISREG(status.st_mode):
            raise SkipFile(SkipReason.SPECIAL)
        if self._most is not None:
            self._count += 1
            if self._count <= self._most:
                return
            raise DataError(f"there are more than {self._most:,} files, and you did not name them with --data")
        # The mode is part of the stamp: a file that becomes readable must be read again.
        stamp = (status.st_size, status.st_mtime_ns, status.st_mode, hash_of_file(entry.path, status.st_size))
        self.entries.append(ImageFile(name, partial(_read_file, entry.path, status.st_size), stamp))

    def _or_skip(self, name: str, visit: Callable[[], None]) -> None:
        """Call `visit`; on SkipFile or OSError, record a skipped file."""
        try:
            visit()
        except SkipFile as skip:
            self.skipped.append(SkippedFile(name, skip.reason, skip.detail))
        except OSError as error:
            refused = _skip_os_error(error)
            self.skipped.append(SkippedFile(name, refused.reason, refused.detail))


def hash_of_file(path: str, size: int, blocks: int = BLOCKS) -> int:
    """Return the sampled hash of a file; 0 for one that cannot be opened, as reading it later tells why."""
    try:
        with open(path, "rb", buffering=0) as file:
            return sampled_hash(file, size, blocks)
    except OSError:
        return 0


def _read_file(path: str, size: int) -> bytes:
    """Return the content of a regular file; one byte more than its limit is requested, to detect a file that grew.

    A file without a size is not opened: some files of the system, such as /proc/kmsg, wait or never end.
    """
    if size == 0:
        return b""
    try:
        with open(path, "rb") as file:
            return limit_size(file.read(min(size, MAX_BYTES) + 1))
    except OSError as error:
        raise SkipFile(SkipReason.UNREADABLE, error.strerror or str(error)) from error


def _skip_os_error(error: OSError) -> SkipFile:
    """Return the skip for an error of the operating system."""
    if error.errno == errno.ELOOP:
        return SkipFile(SkipReason.SYMLINK_LOOP, "the link leads to itself")
    if error.errno == errno.ENOENT:
        return SkipFile(SkipReason.BROKEN_SYMLINK)
    return SkipFile(SkipReason.UNREADABLE, error.strerror or str(error))
