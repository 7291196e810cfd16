"""Load a data set: ask the readers which of them opens the source, then pack what it returns."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, NoReturn

import numpy as np

from ganache.core.images import Pixels
from ganache.core.seeds import require_seed
from ganache.core.text import in_one_line
from ganache.data import background as backgrounds
from ganache.data.colour_modes import FULL
from ganache.data.contents import checked
from ganache.data.dataset import Dataset
from ganache.data.decoding import Target
from ganache.data.formats import CUT_ZIP, HEAD, is_picture, recognise
from ganache.data.labels import LabelRule, require_rule
from ganache.data.own_files import without_runs
from ganache.data.pack import cache_folder, pack_folder
from ganache.data.pack_builder import open_or_build, pack_blocks, pack_files
from ganache.data.pixel_arrays import PixelArray, PixelBlocks, convert_block, iter_blocks, matches_target
from ganache.data.readers import READERS
from ganache.data.readers.arrays import range_of
from ganache.data.readers.image_files import ImageFiles, RemoteFiles
from ganache.data.readers.reader import Contents, Reader, ReadOptions, Source
from ganache.data.resizing import FIT_MODES, FitMode
from ganache.data.text_pictures import shows_text
from ganache.data.value_range import Range
from ganache.errors import DataError, choices

MOST_FILES, MOST_BYTES = 2**18, 2**31
"""The largest data that are read although the user did not name them: those that a run names."""
Local = ImageFiles | PixelArray | PixelBlocks
"""Contents that need not be fetched."""


def load(
    source: str | Path,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    fit: FitMode = "crop",
    value_range: tuple[float, float] | None = None,
    background: str = "white",
    labels: LabelRule = "auto",
    count: int = 20_000,
    seed: int = 0,
    held_out: float = 0.0,
    cache: Path | None = None,
    progress: bool = False,
    download: bool = True,
) -> Dataset:
    """Load the data set that `source` names.

    Args:
        source: A folder, zip or tar of image files; an IDX, .npz, .csv or Parquet file of images, or a folder or
            archive that contains one; a .npy array; a built-in name ("faces", "digits", "ring8", "grid25", "swissroll",
            "lines"); a name that needs the network ("mnist", "fashion-mnist", "cifar10", "hf:owner/name"); or anything
            that another reader in READERS opens. An existing path takes precedence over a name.
        size: (height, width) in pixels of every image. None keeps the size if all images have the same size of up to
            512 pixels, and gives 64x64 otherwise.
        channels: 1 for grey, 3 for RGB, 4 for RGB with transparency; None gives grey if all images are grey, else RGB.
        fit: How an image of another shape is resized: "crop", "pad" or "stretch".
        value_range: The stored values that become black and white; None finds one range for all images of each kind
            (8-bit integers, 16-bit integers, other integers, floats), which the doctor's remarks name.
        background: What transparent images show: "white", "black", "#rrggbb", "checker", or "ignore" for the colours
            without their transparency.
        labels: Which folders are classes: "auto" decides by their names (train and test, or chunks such as 00000 and
            01000, are none), "folders" takes those of the first level with several, "none" ignores all labels.
        count: The number of samples, for data that are drawn (faces, 2-D toys).
        seed: The seed, for data that are drawn.
        held_out: The share of images to set aside for evaluation; data sets of fewer than 200 images keep all.
        cache: The folder for packs of decoded images; by default $GANACHE_CACHE, else the user's cache folder.
        progress: Whether to show progress bars.
        download: Whether data that are not in the cache may be downloaded, or decoded if they have more than
            MOST_BYTES. False for a source that the user did not name: one that a run of somebody else refers to.

    Raises:
        DataError: The source is unknown or unreadable, or contains no usable image.
        MissingExtra: The source needs a library that is not installed.

    A damaged pack is built again, with a RuntimeWarning.
    """
    target = _with_colours(_checked_target(size, channels, fit), value_range, background)
    require_seed(seed)
    require_rule(labels)
    opened = Source.named(str(source))
    options = ReadOptions(target, count, seed, None if download else MOST_FILES, [*READERS.values()][::-1])
    contents = _with_labels(_read(opened, options), labels)
    name = in_one_line(opened.name if opened.path is None else opened.path.resolve().name or opened.name)
    if isinstance(contents, RemoteFiles) and not (download or contents.is_local):
        contents = replace(contents, fetch=partial(_refuse_download, opened.name))
    is_too_large = not download and _bytes_to_decode(contents, opened) > MOST_BYTES
    refuse = partial(_refuse_large, opened.name) if is_too_large else None
    dataset = _to_dataset(name, contents, target, cache_folder(cache), progress, refuse)
    return replace(dataset, is_text=shows_text(contents, name, dataset.label_names)).split(held_out)


def _bytes_to_decode(contents: Contents, source: Source) -> int:
    """Return the bytes of the files of which a pack would be made; 0 for arrays, which have limits of their own."""
    if isinstance(contents, ImageFiles):
        return sum(entry.stamp[0] for entry in contents.entries if entry.stamp)
    is_archive = isinstance(contents, RemoteFiles) and source.is_file and source.path is not None
    return source.path.stat().st_size if is_archive and source.path is not None else 0


def _refuse_large(name: str) -> NoReturn:
    """Raise DataError, in place of decoding files."""
    raise DataError(
        f"'{name}' is not in the cache, and data of more than {MOST_BYTES // 2**30} GiB are decoded only if you name "
        f"them: add  --data {shlex.quote(name)}"
    )


def _refuse_download(name: str) -> NoReturn:
    """Raise DataError, in place of fetching files."""
    raise DataError(
        f"'{name}' is not in the cache, and only data that you name are downloaded: add  --data {shlex.quote(name)}"
    )


def _checked_target(size: tuple[int, int] | None, channels: int | None, fit: FitMode) -> Target:
    """Return the settings as a Target. Raises DataError if one is out of range."""
    if size is not None and (len(size) != 2 or any(not 1 <= side <= 8192 for side in size)):
        raise DataError(f"The size is {size}: give height and width, 1 to 8192 pixels each.")
    known: dict[int | None, Literal[1, 3, 4] | None] = {None: None, 1: 1, 3: 3, 4: 4}
    if channels not in known:
        raise DataError(f"The number of channels is {channels}: give 1 (grey), 3 (RGB) or 4 (RGB with transparency).")
    if fit not in FIT_MODES:
        raise DataError(f"There is no fit '{fit}': {choices(fit, FIT_MODES)}")
    return Target(None if size is None else (int(size[0]), int(size[1])), known[channels], fit)


def _with_colours(target: Target, value_range: tuple[float, float] | None, behind: str) -> Target:
    """Return the target with these settings. Raises DataError if one is out of range."""
    if value_range is not None and not -math.inf < value_range[0] < value_range[1] < math.inf:
        raise DataError(f"The range of values is {value_range}: give the values of black and white, the smaller first.")
    if not backgrounds.is_background(behind):
        raise DataError(f"The background is '{behind}': give {backgrounds.EXPECTED}.")
    low_high = None if value_range is None else (float(value_range[0]), float(value_range[1]))
    return replace(target, range=low_high, background=behind)


def _read(source: Source, options: ReadOptions) -> Contents:
    """Return the contents of the source, from the first reader that opens it; the last registered is asked first."""
    try:
        for name, reader in reversed(list(READERS.items())):
            if reader.opens(source):
                return checked(reader.read(source, options), name)
    except OSError as error:
        raise DataError(
            f"'{source.name}' cannot be read ({error.strerror or error}): check its permissions."
        ) from error
    raise _unknown_source(source, list(READERS.values()))


def _with_labels(contents: Contents, rule: LabelRule) -> Contents:
    """Return the contents with this rule for labels; their key depends on it."""
    if not isinstance(contents, RemoteFiles):
        return _labelled(contents, rule)
    fetch = contents.fetch
    return replace(contents, key=(*contents.key, rule), fetch=lambda: _labelled(fetch(), rule))


def _labelled(contents: Local, rule: LabelRule) -> Local:
    """Return contents that are here with this rule for labels."""
    if isinstance(contents, ImageFiles):
        return replace(contents, labels=rule)
    if rule != "none" or contents.labels is None:
        return contents
    if isinstance(contents, PixelBlocks):
        contents = replace(contents, key=(*contents.key, rule))
    return replace(contents, labels=None, label_names=())


def _unknown_source(source: Source, readers: list[Reader]) -> DataError:
    """Return the error for a source that no reader opens."""
    if source.path is None:
        names = [name for reader in readers for name in reader.names]
        slashed = source.name.replace("\\", "/")
        if slashed != source.name and Source.named(slashed).path is not None:
            return DataError(f"There is no '{source.name}' here: write the path with /, as in '{slashed}'.")
        if "://" in source.name:
            return DataError(
                f"'{source.name}' is an address, and nothing is downloaded from one: give a file or folder."
            )
        folder = source.name.rpartition("/")[0] or "."
        if {*"*?["} & {*source.name} and Source.named(folder).is_folder:
            return DataError(f"'{source.name}' is a pattern for several files: give their folder, '{folder}'.")
        known = choices(source.name, names)
        return DataError(f"'{source.name}' is neither a file or folder here nor a built-in data set: {known}")
    accepted = [reader.help for reader in readers if not reader.names]
    expected = f"{', '.join(accepted[:-1])} or {accepted[-1]}"
    if not source.is_file or source.path is None:
        return DataError(f"'{source.path}' is neither a file nor a folder: give {expected}.")
    return _unknown_format(source.path, f"give {expected}.")


def _unknown_format(path: Path, expected: str) -> DataError:
    """Return the error for a file that no reader opens: what it is, and how pictures are made of it."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
    known = CUT_ZIP if head.startswith(b"PK\x03\x04") else recognise(head, path.name)
    if known is None and is_picture(head):
        return DataError(f"'{path}' is one picture: give the folder or zip that holds all of them.")
    if known is None:
        return DataError(f"'{path}' is not in a format that can be read: {expected}")
    return DataError(f"'{path}' is {known.what}, which is not read: {known.to_do(str(path))}")


def _to_dataset(
    name: str,
    contents: Contents,
    target: Target,
    cache: Path,
    progress: bool,
    refuse: Callable[[], NoReturn] | None = None,
) -> Dataset:
    """Return the data set: an array itself if it matches the target, else the pack of the contents.

    If there is no pack of files, `refuse` is called instead of building one.
    """
    if isinstance(contents, RemoteFiles):
        folder, fetch = pack_folder(cache, *contents.key, target), refuse or contents.fetch
        return open_or_build(name, folder, lambda: _pack(name, fetch(), target, folder, progress))
    if isinstance(contents, ImageFiles):
        contents, remarks = without_runs(name, contents)
        folder = pack_folder(cache, "files", contents.key(), contents.labels, target)
        build = refuse or partial(pack_files, name, contents, target, folder, progress)
        return open_or_build(name, folder, build, contents.stamp).with_remarks(remarks)
    if isinstance(contents, PixelArray):
        contents, target = _with_range(contents, target)
        if contents.images.ndim == 2 or (target.range is None and matches_target(contents.images, target)):
            return Dataset(
                name,
                contents.images,
                contents.labels,
                contents.label_names,
                contents.fingerprint(),
                remarks=contents.remarks,
            )
        contents = _converted(contents, target)
    folder = pack_folder(cache, "blocks", contents.key, target)
    return open_or_build(name, folder, partial(pack_blocks, name, contents, folder, progress))


def _pack(name: str, contents: Local, target: Target, folder: Path, progress: bool) -> None:
    """Write a pack of what was fetched."""
    if isinstance(contents, ImageFiles):
        files, _ = without_runs(name, contents)
        pack_files(name, files, target, folder, progress)
    else:
        blocks = _converted(*_with_range(contents, target)) if isinstance(contents, PixelArray) else contents
        pack_blocks(name, blocks, folder, progress)


def _with_range(array: PixelArray, target: Target) -> tuple[PixelArray, Target]:
    """Return the array and the target; if all values of the array are 0 or 1, with that range and a remark on it."""
    if array.images.ndim == 2 or target.range is not None:
        return array, target
    found, said = range_of(array.images, target, "")
    array = replace(array, remarks=tuple(dict.fromkeys((*array.remarks, *said))))
    return array, target if found == FULL else replace(target, range=(found.low, found.high))


def _converted(array: PixelArray, target: Target) -> PixelBlocks:
    """Return blocks of the array's images, converted to the target."""

    def scaled(block: Pixels) -> Pixels:
        if target.range is None:
            return block
        return np.concatenate([Range(*target.range).to_pixels(block[..., :3]), block[..., 3:]], axis=3)

    return PixelBlocks(
        ("array", array.fingerprint()),
        len(array.images),
        lambda: (convert_block(scaled(block), target) for block in iter_blocks(array.images)),
        array.labels,
        array.label_names,
        array.remarks,
        array.is_text,
    )
