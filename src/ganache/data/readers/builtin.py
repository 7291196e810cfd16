"""Data sets that need no file: drawn faces, scikit-learn's digits, 2-D toys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ganache.core.images import Pixels
from ganache.data.arrays import Array, Blocks, fit_block, rows_per_block
from ganache.data.drawn.toys import TOYS
from ganache.data.picture import DEFAULT_SIZE, Target
from ganache.errors import DataError, MissingExtra

NAMES = ("digits", "faces", *TOYS)
"""Every name that `built_in` knows."""


def built_in(name: str, target: Target, count: int, seed: int) -> Array | Blocks:
    """The data set of that name; `count` and `seed` are for what is drawn (all but the digits)."""
    if name == "digits":
        return digits()
    if count < 1:
        raise DataError(f"{count} pictures or points of '{name}' cannot be drawn: give a count of at least 1.")
    if name == "faces":
        return faces(count, seed, target)
    points, modes = TOYS[name].sample(count, seed)
    points.flags.writeable = False
    centres = TOYS[name].centres
    names = tuple(f"mode {i}" for i in range(len(centres))) if centres is not None else ()
    return Array(points, modes, names)


def digits() -> Array:
    """The 1,797 handwritten digits, 8x8, that come with scikit-learn. Raises MissingExtra without it."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtra("'digits' comes with scikit-learn and", "digits") from error
    bunch = load_digits()
    # The values are 0 to 16.
    images = np.rint(bunch.images * (255.0 / 16.0)).astype(np.uint8)[..., None]
    images.flags.writeable = False
    return Array(images, bunch.target.astype(np.int64), tuple(str(name) for name in bunch.target_names))


def faces(count: int, seed: int, target: Target) -> Blocks:
    """Drawn faces, uint8 [count, H, W, 3 or 1], at the target's size (64x64 where none is asked for)."""
    from ganache.data.drawn import faces as artist

    size = target.size or DEFAULT_SIZE
    row = np.empty((1, *size, 3), dtype=np.uint8)

    def blocks() -> Iterator[Pixels]:
        step = rows_per_block(row)
        for start in range(0, count, step):
            drawn = artist.draw_range(start, min(start + step, count), seed, size)
            yield fit_block(drawn, target)

    return Blocks(("faces", count, seed, size, _drawing_code(artist.__file__)), count, blocks)


def _drawing_code(file: str) -> str:
    """A hash of the drawing code: faces drawn by an earlier version of it are not these faces."""
    digest = hashlib.sha256()
    for path in sorted(Path(file).parent.glob("faces*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
