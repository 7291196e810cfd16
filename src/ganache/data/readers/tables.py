"""Tables: files that hold many pictures, alone, below a folder or inside an archive.

A table is one of several files of a data set, such as the images, the labels and the test images of MNIST. The files of
a folder or archive are its members: a name for each, and a function that opens it. A table opens no other file.
"""

from __future__ import annotations

import lzma
import re
import zipfile
import zlib
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, ClassVar

from ganache.data.pixel_arrays import PixelArray, PixelBlocks
from ganache.data.readers.image_files import ImageFiles
from ganache.data.readers.reader import Reader, ReadOptions, Source
from ganache.errors import DataError

Opener = Callable[[], BinaryIO]
"""Open a file for reading; it can be seeked."""

TableContents = PixelArray | PixelBlocks | ImageFiles

READ_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)
"""What reading a damaged file or archive raises."""

_PICTURE = re.compile(r"(?i)\.(?:png|jpe?g|jpe|gif|bmp|tiff?|webp|avif|ppm|pgm|pbm|tga|ico|jp2|heic|psd)$")
_TRAINING, _OTHER = re.compile(r"(?i)train"), re.compile(r"(?i)test|t10k|val|dev|extra")


@dataclass(frozen=True)
class Table:
    """One table, and how the files beside it are found."""

    name: str
    """Name among the files, or its path."""

    open: Opener
    find: Callable[[str], Opener | None]
    """Return how another file is opened, by its name; None if there is none."""

    stamp: tuple[object, ...] = ()
    """Where the file is, and what changes with its content."""

    @classmethod
    def at(cls, path: Path) -> Table:
        """Return the table in a file."""
        status = path.stat()

        def find(name: str) -> Opener | None:
            return partial(open_binary, Path(name)) if Path(name).is_file() else None

        return cls(
            str(path), partial(open_binary, path), find, (str(path.resolve()), status.st_size, status.st_mtime_ns)
        )


class TableReader(Reader):
    """Reads one format of tables."""

    pattern: ClassVar[re.Pattern[str]]
    """What the names of such files contain, where they are searched for among others."""

    beside_pictures: ClassVar[bool] = False
    """Whether such a file beside pictures is the data, and not a description of the pictures."""

    @abstractmethod
    def is_table(self, open_file: Opener) -> bool:
        """Whether a file is such a table, by its content. May raise READ_ERRORS."""

    @abstractmethod
    def read_table(self, table: Table, options: ReadOptions) -> TableContents:
        """Return the contents. Raises DataError if the file is damaged; may raise READ_ERRORS."""

    def opens(self, source: Source) -> bool:
        return source.path is not None and source.is_file and holds_table(self, partial(open_binary, source.path))

    def read(self, source: Source, options: ReadOptions) -> TableContents:
        """Raises DataError for a file that is damaged or too large."""
        assert source.path is not None
        return read_table(self, Table.at(source.path), options)


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading."""
    return open(path, "rb")


def holds_table(reader: TableReader, open_file: Opener) -> bool:
    """Whether a file is a table of this format; False if it cannot be read."""
    try:
        return reader.is_table(open_file)
    except READ_ERRORS:
        return False


def read_table(reader: TableReader, table: Table, options: ReadOptions) -> TableContents:
    """Return the contents of a table. Raises DataError if it is damaged."""
    try:
        return reader.read_table(table, options)
    except READ_ERRORS as error:
        raise DataError(f"'{table.name}' cannot be read ({error}): copy or download it again.") from error


def table_in(members: Mapping[str, Opener], stamp: tuple[object, ...], options: ReadOptions) -> TableContents | None:
    """Return the contents of the first table among files, training data before others; None if there is none.

    Where pictures lie too, only the first level is searched, for formats that say so.
    """
    has_pictures = any(map(_PICTURE.search, members))
    for reader in options.tables:
        if not isinstance(reader, TableReader) or (has_pictures and not reader.beside_pictures):
            continue
        named = [name for name in members if reader.pattern.search(name) and not (has_pictures and "/" in name)]
        found = [name for name in sorted(named, key=training_first) if holds_table(reader, members[name])]
        if found:
            table = Table(found[0], members[found[0]], members.get, (*stamp, found[0]))
            contents = read_table(reader, table, options)
            if len(found) == 1 or isinstance(contents, ImageFiles):
                return contents
            others = ", ".join(f"'{name}'" for name in found[1:4]) + (", ..." if len(found) > 4 else "")
            said = f"the pictures are those of '{found[0]}': give the path of another to read it ({others})."
            return replace(contents, remarks=(*contents.remarks, said))
    return None


def training_first(name: str) -> tuple[int, str]:
    """Return the key by which names of tables and arrays are sorted: training data, then those without a part."""
    return (0 if _TRAINING.search(name) else 2 if _OTHER.search(name) else 1), name
