"""IDX, the format of MNIST: a magic number, the lengths of the axes, the values.

Files may be gzipped. Images (magic 0x00000803) find their labels (0x00000801) by name: "images" becomes "labels",
"idx3" becomes "idx1". Of a folder that holds both, the training images are taken, not the test images ("t10k").
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

from ganache.data.arrays import Array
from ganache.errors import DataError

IMAGES, LABELS = 0x00000803, 0x00000801
"""Unsigned bytes (08) in three dimensions and in one."""

_MOST_BYTES = 4 * 2**30
"""IDX is read into memory; larger sets come as .npy or as files."""

_GZIP = b"\x1f\x8b"
_READ_ERRORS = (OSError, EOFError, zlib.error)


def idx_magic(path: Path) -> int | None:
    """IMAGES or LABELS if the file is such an IDX file, gzipped or not; else None."""
    try:
        with _opened(path) as file:
            start = file.read(4)
    except _READ_ERRORS:
        return None
    magic = int.from_bytes(start, "big") if len(start) == 4 else 0
    return magic if magic in (IMAGES, LABELS) else None


def idx_in_folder(folder: Path) -> Path | None:
    """The IDX images in a folder: the training images if there are any, else the first by name; else None."""
    named = sorted(path for path in folder.iterdir() if "idx3" in path.name and path.is_file())
    found = [path for path in named if idx_magic(path) == IMAGES]
    training = [path for path in found if "train" in path.name]
    return next(iter(training + found), None)


def read_idx(path: Path) -> Array:
    """The images of an IDX file, uint8 [N, H, W, 1], with their labels where a file beside it has them.

    Raises DataError for a file that is cut, too long, or of another count than its labels.
    """
    if idx_magic(path) == LABELS:
        raise DataError(f"'{path}' holds labels only: give the file with the images beside it.")
    images = _values(path, IMAGES, 3)[..., None]
    beside = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    beside = next((p for p in _with_or_without_gz(beside) if p != path and p.is_file()), path)
    if beside == path:
        return Array(_frozen(images))
    labels = _values(beside, LABELS, 1).astype(np.int64)
    if len(labels) != len(images):
        raise DataError(f"'{path}' has {len(images):,} images and '{beside.name}' {len(labels):,} labels.")
    names = tuple(str(i) for i in range(int(labels.max(initial=-1)) + 1))
    return Array(_frozen(images), _frozen(labels), names)


def _values(path: Path, magic: int, axes: int) -> NDArray[np.uint8]:
    """The array in one file, as its header describes it."""
    header_bytes = 4 * (1 + axes)
    try:
        with _opened(path) as file:
            header = file.read(header_bytes)
            found, *shape = struct.unpack(f">{1 + axes}I", header) if len(header) == header_bytes else (0,)
            expected = int(np.prod([int(n) for n in shape], dtype=object)) if shape else 0
            if found != magic or not expected or expected > _MOST_BYTES:
                raise DataError(f"'{path}' has no usable IDX header: its sizes read {_sizes(shape)}.")
            # One byte more is asked for: a file that is longer than it says is not what it says.
            data = file.read(expected + 1)
    except _READ_ERRORS as error:
        raise DataError(f"'{path}' cannot be read ({error}): copy or download it again.") from error
    if len(data) != expected:
        relation = "fewer" if len(data) < expected else "more"
        raise DataError(f"'{path}' has {relation} bytes than the {expected:,} it announces: download it again.")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _sizes(shape: Sequence[int]) -> str:
    return "x".join(str(n) for n in shape) or "nothing"


def _opened(path: Path) -> BinaryIO:
    """The file, unpacked on the way if it is gzipped, whatever its name."""
    with open(path, "rb") as file:
        packed = file.read(2) == _GZIP
    opened: Any = gzip.open(path, "rb") if packed else open(path, "rb")  # noqa: SIM115  (the caller's `with`)
    return opened  # type: ignore[no-any-return]


def _with_or_without_gz(path: Path) -> list[Path]:
    """The same name, gzipped and not: either may lie beside either."""
    plain = path.with_name(path.name.removesuffix(".gz"))
    return [path, plain, plain.with_name(plain.name + ".gz")]


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Nothing in a data set can be written to."""
    array.flags.writeable = False
    return array
