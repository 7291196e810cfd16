"""Many images in one file for other programs: a .npy array, or a .zip of PNG files."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import numpy as np

from ganache.core.images import Pictures, as_image
from ganache.core.outputs import MARK, npy_header
from ganache.core.storage import atomic_path
from ganache.errors import ConfigError


def save_many(pictures: Iterable[Pictures], path: Path, count: int, first: int = 0) -> None:
    """Write images to a .npy (one array) or a .zip (one PNG per image, named by its seed), atomically.

    Args:
        pictures: The images in parts, uint8 [N, H, W, C], or points float32 [N, 2].
        path: The file to write.
        count: Number of images in all parts.
        first: Seed of the first image; the next image has the next seed.

    Raises:
        ConfigError: The file is a .zip, and the parts are points.
    """
    with atomic_path(path) as temporary:
        (save_array if path.suffix.lower() == ".npy" else save_zip)(iter(pictures), temporary, count, first)


def save_array(parts: Iterator[Pictures], path: Path, count: int, first: int) -> None:
    """Write a .npy without holding all images in memory."""
    with path.open("wb") as file:
        for number, part in enumerate(parts):
            if not number:
                shape = (count, *part.shape[1:])
                file.write(npy_header(part.dtype.str, shape))
            file.write(np.ascontiguousarray(part).data)


def save_zip(parts: Iterator[Pictures], path: Path, count: int, first: int) -> None:
    """Write a .zip with one PNG per image."""
    digits = len(str(first + count - 1))
    seed = first
    with ZipFile(path, "w", ZIP_STORED) as archive:
        archive.comment = MARK.encode()
        for part in parts:
            if part.ndim == 2:
                raise ConfigError("A zip holds pictures, and this run makes points: end the file's name in .npy.")
            for pixels in part:
                file = io.BytesIO()
                as_image(pixels).save(file, "png", compress_level=1)
                archive.writestr(f"{seed:0{digits}}.png", file.getvalue())
                seed += 1
