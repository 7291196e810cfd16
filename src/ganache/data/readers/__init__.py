"""Readers of data sources: one kind of source per file, and READERS, which names them.

A reader is an instance of a subclass of `reader.Reader`. The reader that was registered last is asked first, so a
plugin is asked before the built-in readers:

    class TextReader(Reader):
        help = "a .txt file that lists image files"

        def opens(self, source: Source) -> bool:
            return source.is_file and source.path.suffix == ".txt"

        def read(self, source: Source, options: ReadOptions) -> ImageFiles: ...

    READERS["txt"] = TextReader()
"""

from __future__ import annotations

from ganache.core.table import Entry, Table
from ganache.data.pixel_arrays import PixelArray, PixelBlocks
from ganache.data.readers.csv import CsvReader
from ganache.data.readers.digits import DigitsReader
from ganache.data.readers.faces import FacesReader
from ganache.data.readers.folder import FolderReader
from ganache.data.readers.hub import HubReader
from ganache.data.readers.idx import IdxReader
from ganache.data.readers.image_files import ImageFile, ImageFiles, RemoteFiles
from ganache.data.readers.npy import NpyReader
from ganache.data.readers.npz import NpzReader
from ganache.data.readers.parquet import ParquetReader
from ganache.data.readers.reader import Reader, ReadOptions, Source
from ganache.data.readers.tar import TarReader
from ganache.data.readers.toys import ToysReader
from ganache.data.readers.zip import ZipReader

__all__ = [
    "READERS",
    "ImageFile",
    "ImageFiles",
    "PixelArray",
    "PixelBlocks",
    "ReadOptions",
    "Reader",
    "RemoteFiles",
    "Source",
]

READERS: Table[Reader] = Table(
    Entry("READERS", "reader", Reader, instance=True, needs=("help",)),
    {
        "hub": HubReader(),
        "toys": ToysReader(),
        "digits": DigitsReader(),
        "faces": FacesReader(),
        "folder": FolderReader(),
        "zip": ZipReader(),
        "tar": TarReader(),
        "npy": NpyReader(),
        "csv": CsvReader(),
        "parquet": ParquetReader(),
        "npz": NpzReader(),
        "idx": IdxReader(),
    },
)
