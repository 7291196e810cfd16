"""Readers of data sources: one kind of source per file, and READERS, which names them.

A reader is an instance of a subclass of `reader.Reader`. The reader that was registered last is asked first, so a
plugin is asked before the built-in readers: `ganache.READERS["mine"] = Mine()`.
"""

from __future__ import annotations

from ganache.data.readers.digits import DigitsReader
from ganache.data.readers.faces import FacesReader
from ganache.data.readers.folder import FolderReader
from ganache.data.readers.hub import HubReader
from ganache.data.readers.idx import IdxReader
from ganache.data.readers.npy import NpyReader
from ganache.data.readers.reader import Reader
from ganache.data.readers.toys import ToysReader
from ganache.data.readers.zip import ZipReader

__all__ = ["READERS", "Reader"]

READERS: dict[str, Reader] = {
    "hub": HubReader(),
    "toys": ToysReader(),
    "digits": DigitsReader(),
    "faces": FacesReader(),
    "folder": FolderReader(),
    "zip": ZipReader(),
    "idx": IdxReader(),
    "npy": NpyReader(),
}
