"""A zip archive -> its files, read where they lie: nothing is unpacked to disk, so no name in it can do harm."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from functools import partial
from pathlib import Path

from ganache.data.readers.files import MAX_BYTES, Entry, Files, at_most, is_litter
from ganache.data.reasons import Reason, Skip, Skipped
from ganache.errors import DataError

# What a broken or unusual entry makes zipfile raise: BadZipFile for headers and checksums, NotImplementedError for
# a compression it has not, RuntimeError for a password, EOFError and the codecs' own errors for broken data,
# ValueError and LookupError for a name or an offset that makes no sense.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    zlib.error,
    lzma.LZMAError,
)

_ENCRYPTED = 0x1


def zip_files(path: Path) -> Files:
    """All files in the archive, sorted by name. Raises DataError where the archive's own list cannot be read."""
    try:
        # Kept open as long as an entry can be read; the entries hold the only references to it.
        archive = zipfile.ZipFile(path)
    except _ZIP_ERRORS as error:
        raise DataError(f"'{path}' is not a readable zip archive ({error}): download or copy it again.") from error
    entries = []
    skipped = []
    for info in archive.infolist():
        parts = [part for part in info.filename.split("/") if part not in ("", ".", "..")]
        if info.is_dir() or any(is_litter(part) for part in parts):
            continue
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            skipped.append(Skipped(info.filename, Reason.SPECIAL, "a link or special file inside the archive"))
            continue
        stamp = (info.file_size, info.CRC, info.flag_bits & _ENCRYPTED)
        entries.append(Entry(info.filename, partial(_read, archive, info), stamp))
    entries.sort(key=lambda entry: entry.name)
    skipped.sort(key=lambda entry: entry.name)
    status = path.stat()
    return Files(tuple(entries), tuple(skipped), stamp=f"{status.st_size} {status.st_mtime_ns}")


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The content of one entry. The size in its header is not believed: at most the limit is unpacked."""
    if info.flag_bits & _ENCRYPTED:
        raise Skip(Reason.UNREADABLE, "it is encrypted: unpack the archive with its password first")
    try:
        with archive.open(info) as stream:
            return at_most(stream.read(MAX_BYTES + 1))
    except _ZIP_ERRORS as error:
        raise Skip(Reason.UNREADABLE, f"the archive is damaged here: {error}") from error
