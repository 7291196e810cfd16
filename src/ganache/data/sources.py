"""What the user names -> a Dataset: a path first, then a built-in name, then a data set of the hub."""

from __future__ import annotations

import zipfile
from functools import partial
from pathlib import Path
from typing import Literal

from ganache.data.arrays import Array, Blocks, fit_block, fits, in_blocks
from ganache.data.dataset import Dataset
from ganache.data.fitting import FITS, Fit
from ganache.data.pack import cache_folder, key_of
from ganache.data.packing import pack_blocks, pack_files, packed
from ganache.data.picture import Target
from ganache.data.readers.builtin import NAMES, built_in
from ganache.data.readers.files import Files
from ganache.data.readers.folder import folder_files
from ganache.data.readers.hub import REPOSITORIES, hub_files, repository
from ganache.data.readers.idx import idx_in_folder, idx_magic, read_idx
from ganache.data.readers.npy import MAGIC, read_npy
from ganache.data.readers.zip import zip_files
from ganache.errors import DataError, choices


def load(
    source: str | Path,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    fit: Fit = "crop",
    count: int = 20_000,
    seed: int = 0,
    held_out: float = 0.0,
    cache: Path | None = None,
    progress: bool = False,
) -> Dataset:
    """The data set that `source` names.

    `source`: a folder or zip of pictures, an IDX file or a folder of them, a .npy array, a built-in name ("faces",
    "digits", "ring8", "grid25", "swissroll", "lines") or one that needs the network ("mnist", "fashion-mnist",
    "cifar10", "hf:owner/name").

    `size` (height, width) in pixels, `channels` 1 or 3, and `fit` say what every picture becomes. Without a size,
    pictures that have one size up to 512 pixels keep it, others become 64x64; without channels, pictures are grey if
    all are. `count` and `seed` are for what is drawn (faces and 2-D toys). About the share `held_out` of the pictures
    is set aside for judging, none of fewer than 200. Decoded pictures are packed in `cache` (default: $GANACHE_CACHE,
    else the user's cache folder) and found there the next time.

    Raises DataError where the source is unknown, unreadable or without a usable picture, and MissingExtra where it
    needs a library that is not installed; a damaged pack is made again with a RuntimeWarning.
    """
    whole = _whole(str(source), _target(size, channels, fit), count, seed, cache_folder(cache), progress)
    return whole.split(held_out)


def _whole(name: str, target: Target, count: int, seed: int, cache: Path, progress: bool) -> Dataset:
    """The data set of that name, not divided yet."""
    path = _existing(name)
    if path is not None:
        name = path.resolve().name or name
        return _dataset(name, _at(path, target), target, cache, progress)
    if name in NAMES:
        return _dataset(name, built_in(name, target, count, seed), target, cache, progress)
    if repository(name):
        folder = cache / key_of("hub", name, target)
        return packed(name, folder, lambda: pack_files(name, hub_files(name), target, folder, progress))
    known = choices(name, [*NAMES, *REPOSITORIES])
    raise DataError(f"'{name}' is neither a file or folder here nor a built-in data set: {known}")


def _target(size: tuple[int, int] | None, channels: int | None, fit: Fit) -> Target:
    """The settings, checked."""
    if size is not None and (len(size) != 2 or any(not 1 <= side <= 8192 for side in size)):
        raise DataError(f"a size of {size} cannot be made: give height and width, 1 to 8192 pixels each.")
    known: dict[int | None, Literal[1, 3] | None] = {None: None, 1: 1, 3: 3}
    if channels not in known:
        raise DataError(f"pictures of {channels} channels cannot be made: give 1 (grey) or 3 (RGB).")
    if fit not in FITS:
        raise DataError(f"'{fit}' is no way to fit a picture: {choices(fit, FITS)}")
    return Target(None if size is None else (int(size[0]), int(size[1])), known[channels], fit)


def _existing(name: str) -> Path | None:
    """The path, if there is something; None too for a name that can be no path, such as one that is too long."""
    try:
        path = Path(name).expanduser()
        return path if name and path.exists() else None
    except (OSError, RuntimeError):
        return None


def _at(path: Path, target: Target) -> Array | Blocks | Files:
    """What lies at a path, told by its content and not by its name."""
    try:
        if path.is_dir():
            idx = idx_in_folder(path)
            return read_idx(idx) if idx else folder_files(path)
        if not path.is_file():
            raise DataError(f"'{path}' is neither a file nor a folder: give pictures in a folder or zip.")
        with open(path, "rb") as file:
            start = file.read(len(MAGIC))
        if start == MAGIC:
            return read_npy(path, target)
        if idx_magic(path):
            return read_idx(path)
        if zipfile.is_zipfile(path):
            return zip_files(path)
    except OSError as error:
        raise DataError(f"'{path}' cannot be read ({error.strerror or error}): check its permissions.") from error
    raise DataError(
        f"'{path}' is not a zip, IDX or .npy file: pictures come in a folder, a zip or one of these arrays."
    )


def _dataset(name: str, found: Array | Blocks | Files, target: Target, cache: Path, progress: bool) -> Dataset:
    """The data set of what was found: an array as it lies where it is as asked for, else a pack."""
    if isinstance(found, Files):
        folder = cache / key_of("files", found.key(), target)
        return packed(name, folder, partial(pack_files, name, found, target, folder, progress), found.stamp)
    if isinstance(found, Array):
        if found.images.ndim == 2 or fits(found.images, target):
            return Dataset(name, found.images, found.labels, found.label_names, found.fingerprint())
        found = _converted(found, target)
    folder = cache / key_of("blocks", found.key, target)
    return packed(name, folder, partial(pack_blocks, name, found, folder, progress))


def _converted(array: Array, target: Target) -> Blocks:
    """The array's pictures made to fit, block by block."""
    return Blocks(
        ("array", array.fingerprint()),
        len(array.images),
        lambda: (fit_block(block, target) for block in in_blocks(array.images)),
        array.labels,
        array.label_names,
    )
