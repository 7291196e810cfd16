"""Read .npz, several NumPy arrays in one file: the training images, and the labels that belong to them.

Keras calls them x_train and y_train, MedMNIST train_images and train_labels. Only headers are read of other arrays, and
arrays of Python objects, which are pickles, are never read.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.data.pixel_arrays import PixelArray, PixelBlocks
from ganache.data.readers.arrays import MAX_BYTES, contents_of, side_of_row
from ganache.data.readers.reader import ReadOptions
from ganache.data.readers.tables import Opener, Table, TableReader, training_first
from ganache.errors import DataError

_MAX_LABEL_BYTES = 2**28
_LABELS = re.compile(r"(?i)(?:^|_)(?:y|labels?|targets?|class(?:es)?)(?:_|$)")


@dataclass(frozen=True)
class _Array:
    """The header of one array in the file."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """Size of the values."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize


class NpzReader(TableReader):
    """Images with labels, if an array of labels is as long."""

    help = "a .npz file with an array of images"
    pattern = re.compile(r"(?i)\.npz$")

    def is_table(self, open_file: Opener) -> bool:
        with open_file() as file:
            head = file.read(30 + 512)
            if head[:2] != b"PK" or not head[30 : 30 + int.from_bytes(head[26:28], "little")].endswith(b".npy"):
                return False
            with zipfile.ZipFile(file) as archive:
                names = archive.namelist()
        return bool(names) and all(name.endswith(".npy") for name in names)

    def read_table(self, table: Table, options: ReadOptions) -> PixelArray | PixelBlocks:
        """Raises DataError if no array consists of images, or if they are too large."""
        with table.open() as file, zipfile.ZipFile(file) as archive:
            arrays = [_header(archive, name) for name in archive.namelist()]
            images = sorted((a for a in arrays if _are_images(a)), key=lambda a: (training_first(a.name)[0], -a.bytes))
            if not images:
                found = ", ".join(f"{a.name} {'x'.join(map(str, a.shape))} {a.dtype}" for a in arrays[:5])
                raise DataError(
                    f"'{table.name}' has no array of images, but {found}: save images as N x H x W or N x H x W x C."
                )
            chosen = images[0]
            if chosen.bytes > MAX_BYTES:
                raise DataError(
                    f"The array '{chosen.name}' in '{table.name}' has {chosen.bytes:,} bytes, more than {MAX_BYTES:,}: "
                    "save it as .npy, which is not read into memory."
                )
            labels = _labels_of(chosen, arrays)
            values = None if labels is None else _read(archive, labels).reshape(-1)
            where = f"{table.name}: {chosen.name}"
            return contents_of(_read(archive, chosen), where, options.target, values)


def _header(archive: zipfile.ZipFile, name: str) -> _Array:
    """Return the header of one array. Raises ValueError if there is none."""
    with archive.open(name) as file:
        shape, _, dtype = _read_header(file)
    return _Array(name.removesuffix(".npy"), shape, dtype)


def _read_header(file: Any) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(file)
    first = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return first(file)  # type: ignore[no-any-return]


def _read(archive: zipfile.ZipFile, array: _Array) -> NDArray[Any]:
    with archive.open(f"{array.name}.npy") as file:
        opened: Any = file
        values: NDArray[Any] = np.lib.format.read_array(opened, allow_pickle=False)
        return values


def _are_images(array: _Array) -> bool:
    """Whether an array can be images: N x H x W, N x H x W x C, N x C x H x W, or one image per row."""
    if array.dtype.kind not in "biuf" or 0 in array.shape:
        return False
    sides = sorted(array.shape[1:])
    if len(sides) == 1:
        return side_of_row(sides[0]) is not None
    return (len(sides) == 2 and sides[0] > 1) or (len(sides) == 3 and sides[0] in (1, 3, 4) and sides[1] > 1)


def _labels_of(images: _Array, arrays: list[_Array]) -> _Array | None:
    """Return the labels of an array of images: one value per image, and a name that fits."""
    length, part = images.shape[0], training_first(images.name)[0]
    fitting = [
        a
        for a in arrays
        if a.shape in ((length,), (length, 1)) and a.dtype.kind in "biuUS" and a.bytes <= _MAX_LABEL_BYTES
    ]
    named = [a for a in fitting if _LABELS.search(a.name)] or fitting
    return min(named, key=lambda a: (training_first(a.name)[0] != part, a.name), default=None)
