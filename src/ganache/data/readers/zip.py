"""Read a zip archive of image files. Nothing is extracted to disk, so names in the archive can do no harm."""

from __future__ import annotations

import lzma
import stat
import zipfile
import zlib
from functools import partial

from ganache.data.readers.image_files import MAX_BYTES, ImageFile, ImageFiles, is_system_file, limit_size
from ganache.data.readers.reader import Reader, ReadOptions, Source
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

    def read(self, source: Source, options: ReadOptions) -> ImageFiles:
        """Raises DataError if the archive's directory cannot be read."""
        assert source.path is not None
        try:
            # It stays open as long as an entry refers to it.
            archive = zipfile.ZipFile(source.path)
        except _ZIP_ERRORS as error:
            raise DataError(
                f"'{source.path}' is not a readable zip archive ({error}): download or copy it again."
            ) from error
        entries, skipped = [], []
        for info in archive.infolist():
            parts = [part for part in info.filename.split("/") if part not in ("", ".", "..")]
            if info.is_dir() or any(is_system_file(part) for part in parts):
                continue
            file_type = stat.S_IFMT(info.external_attr >> 16)
            if file_type not in (0, stat.S_IFREG):
                detail = "a link or special file inside the archive"
                skipped.append(SkippedFile(info.filename, SkipReason.SPECIAL, detail))
                continue
            stamp = (info.file_size, info.CRC, info.flag_bits & _ENCRYPTED)
            entries.append(ImageFile(info.filename, partial(_read_entry, archive, info), stamp))
        entries.sort(key=lambda entry: entry.name)
        skipped.sort(key=lambda entry: entry.name)
        status = source.path.stat()
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
