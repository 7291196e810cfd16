"""Data sets from the Hugging Face hub, through its `datasets` library (extra: hub).

Only data are fetched: a data set that wants to run code of its own is refused. Its pictures then go the same way as
those of a folder, through the doctor into a pack, so a second start needs neither the network nor the library.
"""

from __future__ import annotations

import os
import socket
from functools import partial
from typing import Any
from urllib.request import getproxies

from ganache.data.readers.files import MAX_BYTES, Entry, Files, at_most
from ganache.data.reasons import Reason, Skip
from ganache.errors import DataError, MissingExtra

REPOSITORIES = {
    "cifar10": "uoft-cs/cifar10",
    "fashion-mnist": "zalando-datasets/fashion_mnist",
    "mnist": "ylecun/mnist",
}
PREFIX = "hf:"

_HOST = ("huggingface.co", 443)
_PATIENCE = 2.0
"""Seconds until the network counts as absent; the library itself would try for 23."""


def repository(source: str) -> str | None:
    """ "mnist" or "hf:owner/name" -> the repository's name on the hub; None for what is no such source."""
    if source.startswith(PREFIX):
        return source.removeprefix(PREFIX)
    return REPOSITORIES.get(source)


def hub_files(source: str) -> Files:
    """The training pictures of a hub data set. Raises DataError without a network, MissingExtra without `datasets`."""
    name = repository(source) or source
    if not _offline_on_purpose() and not _reachable():
        raise DataError(
            f"'{source}' comes from the network and {_HOST[0]} cannot be reached: give a local folder, zip or IDX "
            "file, or a built-in name such as 'faces' or 'digits' (HF_HUB_OFFLINE=1 uses what was fetched before)."
        )
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra(f"'{source}' comes from the Hugging Face hub and", "hub") from error
    try:
        table = datasets.load_dataset(name, split="train")
    except (OSError, ValueError, RuntimeError) as error:
        # The library's own errors derive from these; its first line says enough.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(f"'{source}' could not be fetched from the hub ({reason}).") from error
    return _as_files(source, table, datasets)


def _as_files(source: str, table: Any, datasets: Any) -> Files:
    """A table with a column of images -> entries that hand out each image's own bytes, undecoded."""
    features = table.features
    images = [name for name, kind in features.items() if isinstance(kind, datasets.Image)]
    classes = [name for name, kind in features.items() if isinstance(kind, datasets.ClassLabel)]
    if not images:
        raise DataError(f"'{source}' has no column of images: it has {', '.join(features)}.")
    label_names = tuple(features[classes[0]].names) if classes else ()
    labels = list(table[classes[0]]) if classes else [None] * len(table)
    table = table.cast_column(images[0], datasets.Image(decode=False))
    entries = [
        Entry(f"train/{i:08d}", partial(_read, table, i, images[0]), (), label if classes else None)
        for i, label in enumerate(labels)
    ]
    return Files(tuple(entries), label_names=label_names)


def _read(table: Any, row: int, column: str) -> bytes:
    """The bytes of one image as they were uploaded: in the table itself, or in a file that it names."""
    cell = table[row][column]
    if cell is None or (cell["bytes"] is None and not cell["path"]):
        raise Skip(Reason.EMPTY)
    if cell["bytes"] is not None:
        return at_most(bytes(cell["bytes"]))
    try:
        with open(cell["path"], "rb") as file:
            return at_most(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise Skip(Reason.UNREADABLE, error.strerror or str(error)) from error


def _offline_on_purpose() -> bool:
    """Whether the user told the hub's library to use only what it has."""
    return any(os.environ.get(name, "0") not in ("", "0") for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"))


def _reachable() -> bool:
    """Whether the hub answers; behind a proxy that cannot be asked so simply, and is believed."""
    if "https" in getproxies():
        return True
    try:
        with socket.create_connection(_HOST, timeout=_PATIENCE):
            return True
    except OSError:
        return False
