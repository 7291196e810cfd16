"""Read IDX, the format of MNIST: a magic number, the lengths of the axes, the values.

Files may be gzipped. The labels (magic 0x00000801) of images (magic 0x00000803) are found by their file name: "images"
becomes "labels", "idx3" becomes "idx1". In a folder or archive, the training images are preferred to the test images
("t10k").
"""

from __future__ import annotations

import gzip
import re
import struct
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ganache.data.labels import labels_from_values
from ganache.data.pixel_arrays import PixelArray
from ganache.data.readers.arrays import MAX_BYTES
from ganache.data.readers.reader import ReadOptions, Source
from ganache.data.readers.tables import READ_ERRORS, Opener, Table, TableReader, open_binary
from ganache.errors import DataError

IMAGES, LABELS = 0x00000803, 0x00000801
"""Magic numbers: unsigned bytes (08) with three axes and with one."""

_GZIP = b"\x1f\x8b"


class IdxReader(TableReader):
    """Grey images uint8 [N, H, W, 1], with labels if a file of labels lies beside them."""

    help = "IDX images (the format of MNIST)"
    pattern = re.compile("idx3")
    beside_pictures = True

    def opens(self, source: Source) -> bool:
        # A file of labels is opened too: its name says which file is meant.
        return (
            source.path is not None and source.is_file and _magic_or_none(partial(open_binary, source.path)) is not None
        )

    def is_table(self, open_file: Opener) -> bool:
        return idx_magic(open_file) == IMAGES

    def read_table(self, table: Table, options: ReadOptions) -> PixelArray:
        """Raises DataError for a file that is truncated, too long, or does not match its labels."""
        if idx_magic(table.open) == LABELS:
            raise DataError(f"'{table.name}' contains labels only: give the file with the images beside it.")
        images = _read_values(table.name, table.open, IMAGES, 3)[..., None]
        found = next(((name, opener) for name in _label_names(table.name) if (opener := table.find(name))), None)
        if found is None:
            return PixelArray(_read_only(images), is_text=True)
        name, opener = found
        values = _read_values(name, opener, LABELS, 1)
        if len(values) != len(images):
            raise DataError(
                f"'{table.name}' has {len(images):,} images and '{name.rpartition('/')[2]}' {len(values):,} labels: "
                "give files that belong together."
            )
        labels, names = labels_from_values(values)
        return PixelArray(_read_only(images), labels, names, is_text=True)


def idx_magic(open_file: Opener) -> int | None:
    """Return IMAGES or LABELS if the file is such an IDX file, gzipped or not; else None. May raise READ_ERRORS."""
    with _plain(open_file) as file:
        start = file.read(4)
    magic = int.from_bytes(start, "big") if len(start) == 4 else 0
    return magic if magic in (IMAGES, LABELS) else None


def _magic_or_none(open_file: Opener) -> int | None:
    try:
        return idx_magic(open_file)
    except READ_ERRORS:
        return None


def _label_names(images: str) -> Iterator[str]:
    """Yield the names that the labels of a file of images may have: images and labels need not be compressed alike."""
    folder, slash, name = images.rpartition("/")
    for path in (images, f"{folder}{slash}\0{name}"):
        kept, _, changed = path.rpartition("\0")
        labels = kept + changed.replace("images", "labels").replace("idx3", "idx1")
        plain = labels.removesuffix(".gz")
        yield from (each for each in (labels, plain, f"{plain}.gz") if each != images)


def _read_values(where: str, open_file: Opener, magic: int, axes: int) -> NDArray[np.uint8]:
    """Return the array in one file, in the shape that its header announces."""
    header_bytes = 4 * (1 + axes)
    with _plain(open_file) as file:
        header = file.read(header_bytes)
        found, *shape = struct.unpack(f">{1 + axes}I", header) if len(header) == header_bytes else (0,)
        expected = int(np.prod([int(n) for n in shape], dtype=object)) if shape else 0
        if found != magic or not expected or expected > MAX_BYTES:
            raise DataError(f"'{where}' has no usable IDX header: the announced sizes are {_describe(shape)}.")
        # One byte more is requested, to detect a file that is longer than announced.
        data = file.read(expected + 1)
    if len(data) != expected:
        relation = "fewer" if len(data) < expected else "more"
        raise DataError(f"'{where}' has {relation} bytes than the {expected:,} it announces: download it again.")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _describe(shape: Sequence[int]) -> str:
    return "x".join(str(n) for n in shape) or "missing"


def _plain(open_file: Opener) -> BinaryIO:
    """Open the file, decompressed if it is gzipped, whatever its name."""
    file = open_file()
    is_gzip = file.read(2) == _GZIP
    file.seek(0)
    opened: Any = gzip.GzipFile(fileobj=file) if is_gzip else file
    return opened  # type: ignore[no-any-return]


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Make the array read-only, as all arrays in a data set are."""
    array.flags.writeable = False
    return array
