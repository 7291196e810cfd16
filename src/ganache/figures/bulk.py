"""Pictures by the thousand -> one file that other programs read: an array, or a zip of small pictures."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from PIL import Image

from ganache.core.images import Pictures
from ganache.core.storage import atomic_path
from ganache.errors import ConfigError


def save_many(pictures: Iterable[Pictures], path: Path, count: int, first: int = 0) -> None:
    """`count` pictures, uint8 [N, H, W, C] in parts, or points, float32 [N, 2]: whole or not at all.

    A .npy is one array; a .zip has a PNG a picture, named by its seed, the first of which is `first`. Raises
    ConfigError for points in a zip.
    """
    with atomic_path(path) as temporary:
        (save_array if path.suffix.lower() == ".npy" else save_zip)(iter(pictures), temporary, count, first)


def save_array(parts: Iterator[Pictures], path: Path, count: int, first: int) -> None:
    with path.open("wb") as file:
        for number, part in enumerate(parts):
            if not number:
                shape = (count, *part.shape[1:])
                header = {"descr": np.lib.format.dtype_to_descr(part.dtype), "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
            file.write(np.ascontiguousarray(part).data)


def save_zip(parts: Iterator[Pictures], path: Path, count: int, first: int) -> None:
    digits = len(str(first + count - 1))
    seed = first
    with ZipFile(path, "w", ZIP_STORED) as archive:
        for part in parts:
            if part.ndim == 2:
                raise ConfigError("A zip holds pictures, and this run makes points: end the file's name in .npy.")
            for pixels in part:
                file = io.BytesIO()
                image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)
                image.save(file, "png", compress_level=1)
                archive.writestr(f"{seed:0{digits}}.png", file.getvalue())
                seed += 1
