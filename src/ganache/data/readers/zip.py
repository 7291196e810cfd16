"""Read a zip archive of image files. Nothing is extracted to disk, so names in the archive can do no harm."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from functools import partial

from ganache.data.formats import TORCH
from ganache.data.readers.archive import entry_name
from ganache.data.readers.image_files import MAX_BYTES, ImageFile, ImageFiles, limit_size
from ganache.data.readers.reader import Reader, ReadOptions, Source
from ganache.data.readers.tables import Opener, TableContents, table_in
from ganache.data.skip_reasons import SkipFile, SkippedFile, SkipReason
from ganache.errors import DataError

# What zipfile raises for a damaged or unusual entry: BadZipFile for headers and checksums, NotImplementedError for an
# unsupported compression, RuntimeError for a password, EOFError and the codecs' own errors for damaged data, ValueError
# and LookupError for an invalid name or offset.
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
"""Bit of `flag_bits`."""


class ZipReader(Reader):
    """All files in an archive, sorted by name."""

    help = "a zip archive of image files"

    def opens(self, source: Source) -> bool:
        return source.path is not None and source.is_file and zipfile.is_zipfile(source.path)

    def read(self, source: Source, options: ReadOptions) -> ImageFiles | TableContents:
        """A table in the archive is read instead. Raises DataError if the archive's directory cannot be read."""
        assert source.path is not None
        try:
            # It stays open as long as an entry refers to it.
            archive = zipfile.ZipFile(source.path)
        except _ZIP_ERRORS as error:
            raise DataError(
                f"'{source.path}' is not a readable zip archive ({error}): download or copy it again."
            ) from error
        entries, skipped, members = [], [], dict[str, Opener]()
        for info in archive.infolist():
            name = entry_name(info.filename)
            if name is None:
                continue
            file_type = stat.S_IFMT(info.external_attr >> 16)
            if file_type not in (0, stat.S_IFREG):
                detail = "a link or special file inside the archive"
                skipped.append(SkippedFile(name, SkipReason.SPECIAL, detail))
                continue
            entry_stamp = (info.file_size, info.CRC, info.flag_bits & _ENCRYPTED)
            members[name] = partial(archive.open, info)  # type: ignore[assignment]
            entries.append(ImageFile(name, partial(_read_entry, archive, info), entry_stamp))
        entries.sort(key=lambda entry: entry.name)
        skipped.sort(key=lambda entry: entry.name)
        status = source.path.stat()
        stamp = (str(source.path.resolve()), status.st_size, status.st_mtime_ns)
        if (table := table_in(members, stamp, options)) is not None:
            return table
        if any(name.rpartition("/")[2] == "data.pkl" for name in members):
            raise DataError(f"'{source.path}' is {TORCH.what}, which is not read: {TORCH.to_do(str(source.path))}")
        return ImageFiles(tuple(entries), tuple(skipped), stamp=f"{status.st_size} {status.st_mtime_ns}")


def _read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Return the content of one entry. The size in its header is untrusted: at most MAX_BYTES are decompressed."""
    if info.flag_bits & _ENCRYPTED:
        raise SkipFile(SkipReason.UNREADABLE, "the file is encrypted: extract the archive with its password first")
    try:
        with archive.open(info) as stream:
            return limit_size(stream.read(MAX_BYTES + 1))
    except _ZIP_ERRORS as error:
        raise SkipFile(SkipReason.UNREADABLE, f"the archive is damaged here: {error}") from error
