"""Read data sets of the Hugging Face hub with its library `datasets` (extra: hub).

Only data are downloaded: a data set that needs to run code of its own is refused. The images are inspected and packed
like those of a folder, so a second start needs neither the network nor the library.
"""

from __future__ import annotations

import os
import socket
from functools import partial
from typing import Any
from urllib.request import getproxies

from ganache.data.readers.image_files import MAX_BYTES, ImageFile, ImageFiles, RemoteFiles, limit_size
from ganache.data.readers.reader import Reader, ReadOptions, Source
from ganache.data.skip_reasons import SkipFile, SkipReason
from ganache.errors import DataError, MissingExtra

REPOSITORIES = {
    "cifar10": "uoft-cs/cifar10",
    "fashion-mnist": "zalando-datasets/fashion_mnist",
    "mnist": "ylecun/mnist",
}
"""Short names of repositories."""

PREFIX = "hf:"

_HOST = ("huggingface.co", 443)
_TIMEOUT = 2.0
"""Seconds after which the network counts as unreachable; the library itself would wait 23."""


class HubReader(Reader):
    """The training split of a data set of the hub."""

    help = "a data set of the Hugging Face hub ('mnist', 'fashion-mnist', 'cifar10', 'hf:owner/name')"
    names = tuple(REPOSITORIES)

    def opens(self, source: Source) -> bool:
        is_repository = source.path is None and source.name.startswith(PREFIX) and source.name != PREFIX
        return is_repository or super().opens(source)

    def read(self, source: Source, options: ReadOptions) -> RemoteFiles:
        """Fetching raises DataError without network, MissingExtra without the library `datasets`."""
        return RemoteFiles(("hub", source.name), partial(fetch, source.name))


def fetch(name: str) -> ImageFiles:
    """Download the training split of the data set with this short name, or "hf:owner/name"."""
    if not _is_offline_mode() and not _is_reachable():
        raise DataError(
            f"'{name}' comes from the network and {_HOST[0]} cannot be reached: give a local folder, zip or IDX "
            "file, or a built-in name such as 'faces' or 'digits' (HF_HUB_OFFLINE=1 uses earlier downloads)."
        )
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra(f"'{name}' comes from the Hugging Face hub and", "hub") from error
    repository = REPOSITORIES.get(name, name.removeprefix(PREFIX))
    try:
        table = datasets.load_dataset(repository, split="train")
    except (OSError, ValueError, RuntimeError) as error:
        # The library's exceptions derive from these; the first line of the message is enough.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(
            f"'{name}' could not be downloaded from the hub ({reason}): check its name, or give a local folder or zip."
        ) from error
    return _to_files(name, table, datasets)


def _to_files(name: str, table: Any, datasets: Any) -> ImageFiles:
    """Return the images in a table's first column of images, with the bytes that were uploaded."""
    features = table.features
    images = [column for column, feature in features.items() if isinstance(feature, datasets.Image)]
    classes = [column for column, feature in features.items() if isinstance(feature, datasets.ClassLabel)]
    if not images:
        raise DataError(f"'{name}' has no column of images, but {', '.join(features)}: choose a data set of images.")
    label_names = tuple(features[classes[0]].names) if classes else ()
    labels = list(table[classes[0]]) if classes else [None] * len(table)
    table = table.cast_column(images[0], datasets.Image(decode=False))
    entries = [
        ImageFile(f"train/{i:08d}", partial(_read_cell, table, i, images[0]), (), label if classes else None)
        for i, label in enumerate(labels)
    ]
    return ImageFiles(tuple(entries), label_names=label_names)


def _read_cell(table: Any, row: int, column: str) -> bytes:
    """Return the bytes of one image: from the table itself, or from the file that it refers to."""
    cell = table[row][column]
    if cell is None or (cell["bytes"] is None and not cell["path"]):
        raise SkipFile(SkipReason.EMPTY)
    if cell["bytes"] is not None:
        return limit_size(bytes(cell["bytes"]))
    try:
        with open(cell["path"], "rb") as file:
            return limit_size(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise SkipFile(SkipReason.UNREADABLE, error.strerror or str(error)) from error


def _is_offline_mode() -> bool:
    """Whether the user told the library to use only earlier downloads."""
    return any(os.environ.get(name, "0") not in ("", "0") for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"))


def _is_reachable() -> bool:
    """Whether the hub accepts a connection; assumed behind a proxy, which a plain connection would bypass."""
    if "https" in getproxies():
        return True
    try:
        with socket.create_connection(_HOST, timeout=_TIMEOUT):
            return True
    except OSError:
        return False
