"""Read a .npy array of images or points. The file is memory-mapped, and not copied if no conversion is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ganache.data.decoding import Target
from ganache.data.pixel_arrays import PixelArray, PixelBlocks
from ganache.data.readers.arrays import contents_of
from ganache.data.readers.reader import Reader, ReadOptions, Source
from ganache.errors import DataError

MAGIC = b"\x93NUMPY"


class NpyReader(Reader):
    """Images as they are in the file (PixelArray), or converted block by block (PixelBlocks)."""

    help = "a .npy array of images or points"

    def opens(self, source: Source) -> bool:
        return source.starts_with(MAGIC)

    def read(self, source: Source, options: ReadOptions) -> PixelArray | PixelBlocks:
        """Raises DataError for an array that is neither images nor points."""
        assert source.path is not None
        return read_npy(source.path, options.target)


def read_npy(path: Path, target: Target) -> PixelArray | PixelBlocks:
    """Return the contents of a .npy file, converted to the target if necessary."""
    try:
        with np.errstate(over="ignore"):  # the sizes in its header
            array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        is_list, reason = "Python objects" in str(error), (str(error).splitlines() or ["it is damaged"])[0].rstrip(".")
        advice = "join pictures of one size with numpy.stack, or save them as files" if is_list else "write it again"
        raise DataError(f"'{path}' is not a readable .npy array ({reason}): {advice}.") from error
    status = path.stat()
    return contents_of(array, str(path), target, key=(status.st_size, status.st_mtime_ns))
