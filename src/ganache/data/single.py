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
        return decode(Path(file).read_bytes(), Target(size, 1 if channels == 1 else 3, fit))
    except Skip as skip:
        raise DataError(f"{file} cannot be used as a picture: {skip.detail}.") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read ({error}): give the file of a picture.") from None
