"""The interface of data readers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ganache.data.decoding import Target
from ganache.data.pixel_arrays import PixelArray, PixelBlocks
from ganache.data.readers.image_files import ImageFiles, RemoteFiles
from ganache.errors import DataError

Contents = PixelArray | PixelBlocks | ImageFiles | RemoteFiles
"""What a reader returns: arrays, blocks that are computed while packing, or image files for the doctor."""


@dataclass(frozen=True)
class Source:
    """What the user named as data."""

    name: str
    """As given: a path or a name."""

    path: Path | None
    """The existing file or folder with this name; None if there is none."""

    @classmethod
    def named(cls, name: str) -> Source:
        """Return the source with this name; `path` is None too if the name cannot be a path, such as a long one."""
        try:
            path = Path(name).expanduser()
            return cls(name, path if name and path.exists() else None)
        except (OSError, RuntimeError):
            return cls(name, None)

    @property
    def is_file(self) -> bool:
        """Whether the source is a regular file."""
        return self.path is not None and self.path.is_file()

    @property
    def is_folder(self) -> bool:
        """Whether the source is a folder."""
        return self.path is not None and self.path.is_dir()

    def starts_with(self, signature: bytes) -> bool:
        """Whether the source is a file that begins with these bytes. Raises OSError if it cannot be read."""
        if self.path is None or not self.is_file:
            return False
        with open(self.path, "rb") as file:
            return file.read(len(signature)) == signature


@dataclass(frozen=True)
class ReadOptions:
    """Settings that a reader may need."""

    target: Target
    """The size and channels that every image is converted to. Readers of files and arrays can leave this to others."""

    count: int = 20_000
    """Number of samples, for data that are drawn."""

    seed: int = 0
    """Seed, for data that are drawn."""

    most_files: int | None = None
    """Number of files in a folder that are listed; None for any number."""

    tables: Sequence[Reader] = ()
    """All readers, for those of folders and archives: tables among the files are read by `tables.TableReader`s."""

    def require_count(self, name: str) -> None:
        """Raise DataError for a count below 1."""
        if self.count < 1:
            raise DataError(f"{self.count} samples of '{name}' were requested: give a count of at least 1.")


class Reader(ABC):
    """One kind of data source. A subclass is stateless; an instance is registered in READERS."""

    help: ClassVar[str]
    """A noun phrase for help and error sentences: "a zip archive of image files"."""

    names: ClassVar[tuple[str, ...]] = ()
    """The names that it opens, if it opens names and not paths; error sentences suggest them."""

    def opens(self, source: Source) -> bool:
        """Whether this reader can read the source: by default, if it is one of `names`.

        A reader of files overrides this and looks at the content, not only at the file name; it may raise OSError.
        """
        return source.path is None and source.name in self.names

    recipe: ClassVar[str] = ""
    """The recipe that suits its data, taken by `ganache train` if none is named; "" for the recipe of images."""

    @abstractmethod
    def read(self, source: Source, options: ReadOptions) -> Contents:
        """Return the contents of a source that `opens` accepts. Raises DataError if it is damaged."""
