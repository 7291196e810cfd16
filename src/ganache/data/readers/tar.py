"""Read a tar archive of image files, compressed or not. Nothing is extracted under a name of the archive.

A compressed archive is decompressed into a temporary file, as its entries are read in the order of their names.
"""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import math
import shutil
import tarfile
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

import numpy as np

from ganache.data.labels import labels_from_values
from ganache.data.readers.archive import entry_name
from ganache.data.readers.folder import hash_of_file
from ganache.data.readers.image_files import MAX_BYTES, ImageFile, ImageFiles, RemoteFiles, limit_size
from ganache.data.readers.reader import Reader, ReadOptions, Source
from ganache.data.readers.sampling import MANY_BLOCKS
from ganache.data.readers.tables import READ_ERRORS, Opener, TableContents, table_in
from ganache.data.skip_reasons import SkipFile, SkippedFile, SkipReason
from ganache.errors import DataError

_COMPRESSED: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open, b"\xfd7": lzma.open}
_COPIED = 2**20
"""Bytes that are decompressed at once."""
_MAX_NAME, _MOST_ENTRIES = 2**20, 2**21
"""Bytes of a long name or of the attributes of an entry, which the library reads at once, and entries of an archive."""
_NAMES = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
"""Types of the entries that hold names and attributes of the next one."""


class _Entry(tarfile.TarInfo):
    """An entry that does not fill the memory while the archive is listed."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Entry:
        """Raises ReadError for names and attributes of more than _MAX_NAME bytes."""
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in _NAMES and entry.size > _MAX_NAME:
            raise tarfile.ReadError(f"a name or attributes of {entry.size:,} bytes")
        return entry

    def _proc_gnusparse_10(self, *args: object) -> None:
        """Refuse files with holes, whose list may be of any length."""
        raise tarfile.ReadError("a file with holes")


class TarReader(Reader):
    """All files in an archive, sorted by name."""

    help = "a tar archive of image files"

    def opens(self, source: Source) -> bool:
        if source.path is None or not source.is_file:
            return False
        try:
            with _decompressed(source.path) as file:
                return file.read(512)[257:262] == b"ustar"
        except READ_ERRORS:
            return False

    def read(self, source: Source, options: ReadOptions) -> RemoteFiles:
        """The entries are listed only if there is no pack of them."""
        assert source.path is not None
        status = source.path.stat()
        key = ("tar", status.st_size, status.st_mtime_ns, hash_of_file(str(source.path), status.st_size, MANY_BLOCKS))
        return RemoteFiles(key, partial(_read_archive, source.path, options), is_local=True)


def _read_archive(path: Path, options: ReadOptions) -> ImageFiles | TableContents:
    """Return the files of an archive, or the table in it. Raises DataError if it is damaged."""
    try:
        # It stays open as long as entries are read.
        archive = tarfile.open(fileobj=_seekable(path), mode="r:", tarinfo=_Entry)  # noqa: SIM115
        members = list(itertools.islice(archive, _MOST_ENTRIES + 1))
    except (*READ_ERRORS, tarfile.TarError) as error:
        raise DataError(f"'{path}' is a tar archive that cannot be read ({error}): download it again.") from error
    if len(members) > _MOST_ENTRIES:
        raise DataError(f"'{path}' has more than {_MOST_ENTRIES:,} entries: unpack it and give the folder.")
    lock = Lock()
    entries, skipped, openers = list[ImageFile](), list[SkippedFile](), dict[str, Opener]()
    for member in members:
        name = entry_name(member.name)
        if name is None or member.isdir():
            continue
        if not member.isreg():
            skipped.append(SkippedFile(name, SkipReason.SPECIAL, "a link or special file inside the archive"))
            continue
        changed = int(member.mtime) if math.isfinite(member.mtime) else 0
        entries.append(ImageFile(name, partial(_read_entry, archive, member, lock), (member.size, changed)))
        openers[name] = partial(_open_entry, archive, member)
    if (table := table_in(openers, (str(path),), options)) is not None:
        return table
    entries.sort(key=lambda entry: entry.name)
    skipped.sort(key=lambda entry: entry.name)
    labelled, names = _with_classes(entries)
    return ImageFiles(tuple(labelled), tuple(skipped), label_names=names)


def _with_classes(entries: list[ImageFile]) -> tuple[list[ImageFile], tuple[str, ...]]:
    """Return the files with the classes that WebDataset stores beside them (a/1.cls beside a/1.jpg), and their names.

    If a picture has none, nobody has.
    """
    classes = {_sample(entry.name): entry for entry in entries if entry.name.endswith(".cls")}
    others = [entry for entry in entries if not entry.name.endswith(".cls")]
    samples = [_sample(entry.name) for entry in others]
    if not classes or not all(sample in classes for sample in samples):
        return entries, ()
    try:
        words = [classes[sample].read()[:100].decode().strip() for sample in samples]
    except (SkipFile, UnicodeDecodeError):
        return entries, ()
    indices, names = labels_from_values(np.array([int(w) for w in words] if all(map(str.isdecimal, words)) else words))
    return [replace(entry, label=int(i)) for entry, i in zip(others, indices, strict=True)], names


def _sample(name: str) -> str:
    """Return what the names of all files of one sample of a WebDataset begin with: up to the first dot."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(".")[0]


def _decompressed(path: Path) -> BinaryIO:
    """Open a file, decompressed if it is compressed."""
    with open(path, "rb") as file:
        start = file.read(2)
    opener = _COMPRESSED.get(start)
    return open(path, "rb") if opener is None else opener(path, "rb")  # type: ignore[no-any-return]


def _seekable(path: Path) -> BinaryIO:
    """Open an archive for reading at any place. Raises DataError if the temporary folder has no space for it."""
    source = _decompressed(path)
    if isinstance(source, gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile):
        with source:
            return _copy(source, path)
    return source


def _copy(source: BinaryIO, path: Path) -> BinaryIO:
    """Return a temporary file with the rest of `source`; half of the free space is left."""
    left = shutil.disk_usage(tempfile.gettempdir()).free // 2
    unpacked = tempfile.TemporaryFile()  # noqa: SIM115  (it stays open as long as entries are read)
    while part := source.read(_COPIED):
        left -= len(part)
        if left < 0:
            unpacked.close()
            raise DataError(
                f"'{path}' needs more than half of the free space in {tempfile.gettempdir()} to be unpacked: set "
                "$TMPDIR to a larger disk, or unpack it and give the folder."
            )
        unpacked.write(part)
    unpacked.seek(0)
    return unpacked  # type: ignore[return-value]


def _open_entry(archive: tarfile.TarFile, member: tarfile.TarInfo) -> BinaryIO:
    opened = archive.extractfile(member)
    assert opened is not None
    return opened  # type: ignore[return-value]


def _read_entry(archive: tarfile.TarFile, member: tarfile.TarInfo, lock: Lock) -> bytes:
    """Return the content of one entry. The size in its header is untrusted."""
    try:
        with lock, _open_entry(archive, member) as file:
            content = limit_size(file.read(min(member.size, MAX_BYTES) + 1))
    except (*READ_ERRORS, tarfile.TarError) as error:
        raise SkipFile(SkipReason.UNREADABLE, f"the archive is damaged here: {error}") from error
    if len(content) < member.size:
        raise SkipFile(SkipReason.TRUNCATED)
    return content
