"""Read IDX, the format of MNIST: a magic number, the lengths of the axes, the values.

Files may be gzipped. The labels (magic 0x00000801) of images (magic 0x00000803) are found by their file name: "images"
becomes "labels", "idx3" becomes "idx1". In a folder, the training images are preferred to the test images ("t10k").
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ganache.data.pixel_arrays import PixelArray
from ganache.data.readers.reader import Reader, ReadOptions, Source
from ganache.errors import DataError

IMAGES, LABELS = 0x00000803, 0x00000801
"""Magic numbers: unsigned bytes (08) with three axes and with one."""

_MAX_BYTES = 4 * 2**30
"""IDX files are read into memory; larger sets can be given as .npy or as image files."""

_GZIP = b"\x1f\x8b"
_READ_ERRORS = (OSError, EOFError, zlib.error)


class IdxReader(Reader):
    """Grey images uint8 [N, H, W, 1], with labels if a file of labels lies beside them."""

    help = "IDX images (the format of MNIST)"

    def opens(self, source: Source) -> bool:
        if source.path is None:
            return False
        if source.is_folder:
            return _images_in_folder(source.path) is not None
        return source.is_file and idx_magic(source.path) is not None

    def read(self, source: Source, options: ReadOptions) -> PixelArray:
        """Raises DataError for a file that is truncated, too long, or does not match its labels."""
        assert source.path is not None
        path = _images_in_folder(source.path) if source.is_folder else source.path
        assert path is not None
        return read_idx(path)


def idx_magic(path: Path) -> int | None:
    """Return IMAGES or LABELS if the file is such an IDX file, gzipped or not; else None."""
    try:
        with _open(path) as file:
            start = file.read(4)
    except _READ_ERRORS:
        return None
    magic = int.from_bytes(start, "big") if len(start) == 4 else 0
    return magic if magic in (IMAGES, LABELS) else None


def read_idx(path: Path) -> PixelArray:
    """Return the images of an IDX file with their labels. Raises DataError as `IdxReader.read` does."""
    if idx_magic(path) == LABELS:
        raise DataError(f"'{path}' contains labels only: give the file with the images beside it.")
    images = _read_values(path, IMAGES, 3)[..., None]
    labels_path = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    candidates = (p for p in _with_and_without_gz(labels_path) if p != path and p.is_file())
    if (labels_path := next(candidates, path)) == path:
        return PixelArray(_read_only(images))
    labels = _read_values(labels_path, LABELS, 1).astype(np.int64)
    if len(labels) != len(images):
        raise DataError(
            f"'{path}' has {len(images):,} images and '{labels_path.name}' {len(labels):,} labels: give files that "
            "belong together."
        )
    names = tuple(str(i) for i in range(int(labels.max(initial=-1)) + 1))
    return PixelArray(_read_only(images), _read_only(labels), names)


def _images_in_folder(folder: Path) -> Path | None:
    """Return the IDX images in a folder: the training images if there are any, else the first by name; else None."""
    candidates = sorted(path for path in folder.iterdir() if "idx3" in path.name and path.is_file())
    images = [path for path in candidates if idx_magic(path) == IMAGES]
    training = [path for path in images if "train" in path.name]
    return next(iter(training + images), None)


def _read_values(path: Path, magic: int, axes: int) -> NDArray[np.uint8]:
    """Return the array in one file, in the shape that its header announces."""
    header_bytes = 4 * (1 + axes)
    try:
        with _open(path) as file:
            header = file.read(header_bytes)
            found, *shape = struct.unpack(f">{1 + axes}I", header) if len(header) == header_bytes else (0,)
            expected = int(np.prod([int(n) for n in shape], dtype=object)) if shape else 0
            if found != magic or not expected or expected > _MAX_BYTES:
                raise DataError(f"'{path}' has no usable IDX header: the announced sizes are {_describe(shape)}.")
            # One byte more is requested, to detect a file that is longer than announced.
            data = file.read(expected + 1)
    except _READ_ERRORS as error:
        raise DataError(f"'{path}' cannot be read ({error}): copy or download it again.") from error
    if len(data) != expected:
        relation = "fewer" if len(data) < expected else "more"
        raise DataError(f"'{path}' has {relation} bytes than the {expected:,} it announces: download it again.")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _describe(shape: Sequence[int]) -> str:
    return "x".join(str(n) for n in shape) or "missing"


def _open(path: Path) -> BinaryIO:
    """Open the file, decompressed if it is gzipped, whatever its name."""
    with open(path, "rb") as file:
        is_gzip = file.read(2) == _GZIP
    opened: Any = gzip.open(path, "rb") if is_gzip else open(path, "rb")  # noqa: SIM115  (the caller's `with`)
    return opened  # type: ignore[no-any-return]


def _with_and_without_gz(path: Path) -> list[Path]:
    """Return the path itself, without and with the suffix .gz: images and labels need not be compressed alike."""
    plain = path.with_name(path.name.removesuffix(".gz"))
    return [path, plain, plain.with_name(plain.name + ".gz")]


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Make the array read-only, as all arrays in a data set are."""
    array.flags.writeable = False
    return array
