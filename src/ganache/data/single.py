"""One picture from a file, made to fit as a data set's pictures are."""

from __future__ import annotations

from pathlib import Path

from ganache.data.fitting import Fit
from ganache.data.picture import Picture, Target, decode
from ganache.data.reasons import Skip
from ganache.errors import DataError


def read_picture(file: str | Path, size: tuple[int, int], channels: int, fit: Fit = "crop") -> Picture:
    """The picture in a file, at `size` (height, width) and grey for 1 channel, else RGB; its notes say what that took.

    Raises DataError where there is none that can be used.
    """
    try:
        data = Path(file).read_bytes()
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read ({error}): give the file of a picture.") from None
    return picture_in(data, size, channels, fit, str(file))


def picture_in(data: bytes, size: tuple[int, int], channels: int, fit: Fit = "crop", name: str = "It") -> Picture:
    """The picture in a file's bytes, as `read_picture` has it; `name` is what a refusal calls it."""
    try:
        return decode(data, Target(size, 1 if channels == 1 else 3, fit))
    except Skip as skip:
        raise DataError(f"{name} cannot be used as a picture: {skip.detail}.") from None
