"""Read data sets of the Hugging Face hub with its library `datasets` (extra: hub).

Only data are downloaded. Versions of the library that can run the code of a data set are refused, and of the files that
a table names, only those that the library downloaded are read. The images are inspected and packed like those of a
folder, so a second start needs neither the network nor the library.
"""

from __future__ import annotations

import os
import re
import socket
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies

from ganache.core.storage import open_regular
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

OLDEST = 4
"""The first major version of the library that cannot run the code of a data set."""

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)

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
    """Download the training split of the data set with this short name, or "hf:owner/name".

    Raises DataError without network or for a name that is not one of the hub, MissingExtra without the library.
    """
    repository = REPOSITORIES.get(name, name.removeprefix(PREFIX))
    require_repository(name, repository, "data set")
    if not _is_offline_mode() and not is_reachable():
        raise DataError(
            f"'{name}' comes from the network and {address()[0]} cannot be reached: give a local folder, zip or IDX "
            "file, or a built-in name such as 'faces' or 'digits' (HF_HUB_OFFLINE=1 uses earlier downloads)."
        )
    try:
        import datasets
    except ImportError as error:
        raise MissingExtra(f"'{name}' comes from the Hugging Face hub and", "hub") from error
    _refuse_old(datasets)
    try:
        table = datasets.load_dataset(repository, split="train", trust_remote_code=False)
    except (OSError, ValueError, RuntimeError) as error:
        # The library's exceptions derive from these; the first line of the message is enough.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise DataError(
            f"'{name}' could not be downloaded from the hub ({reason}): check its name, or give a local folder or zip."
        ) from error
    return _to_files(name, table, datasets, _downloads(repository, datasets))


def require_repository(name: str, repository: str, kind: Literal["data set", "model"]) -> None:
    """Raise DataError unless a repository can be one of the hub; `name` is what was given."""
    # The library reads a local folder of this name rather than the hub, and other names are paths or formats to it.
    if not _REPOSITORY.fullmatch(repository) or os.path.lexists(repository):
        why = "there is a file or folder of this name here" if os.path.lexists(repository) else "it is not owner/name"
        raise DataError(f"'{name}' names no {kind} of the hub ({why}): give hf:owner/name, or the path of a folder.")


def _refuse_old(datasets: Any) -> None:
    """Raise DataError for a version of the library that can run the code of a data set."""
    version = str(getattr(datasets, "__version__", ""))
    major = version.partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST:
        raise DataError(
            f"The library datasets {version or 'of an unknown version'} can run code that comes with a data set: "
            f"upgrade it with  pip install 'datasets>={OLDEST}.0'"
        )


def _downloads(repository: str, datasets: Any) -> tuple[Path, ...]:
    """Return the folders into which the library downloads the files of this data set."""
    from huggingface_hub.constants import HF_HUB_CACHE

    config = datasets.config
    own = Path(HF_HUB_CACHE) / f"datasets--{repository.replace('/', '--')}"
    return own, Path(config.DOWNLOADED_DATASETS_PATH), Path(config.EXTRACTED_DATASETS_PATH)


def _to_files(name: str, table: Any, datasets: Any, downloads: tuple[Path, ...]) -> ImageFiles:
    """Return the images in a table's first column of images, with the bytes that were uploaded."""
    features = table.features
    images = [column for column, feature in features.items() if isinstance(feature, datasets.Image)]
    classes = [column for column, feature in features.items() if isinstance(feature, datasets.ClassLabel)]
    if not images:
        raise DataError(f"'{name}' has no column of images, but {', '.join(features)}: choose a data set of images.")
    label_names = tuple(features[classes[0]].names) if classes else ()
    labels = list(table[classes[0]]) if classes else [None] * len(table)
    # Reading a row decodes every column of it, for example recordings from files that the table names.
    table = table.select_columns([images[0]]).cast_column(images[0], datasets.Image(decode=False))
    entries = [
        ImageFile(f"train/{i:08d}", partial(_read_cell, table, i, images[0], downloads), (), label if classes else None)
        for i, label in enumerate(labels)
    ]
    return ImageFiles(tuple(entries), label_names=label_names)


def _read_cell(table: Any, row: int, column: str, downloads: tuple[Path, ...]) -> bytes:
    """Return the bytes of one image: from the table itself, or from a file in `downloads` that it refers to."""
    cell = table[row][column]
    if cell is None or (cell["bytes"] is None and not cell["path"]):
        raise SkipFile(SkipReason.EMPTY)
    if cell["bytes"] is not None:
        return limit_size(bytes(cell["bytes"]))
    path = os.path.realpath(cell["path"])
    if not any(Path(path).is_relative_to(os.path.realpath(folder)) for folder in downloads):
        raise SkipFile(SkipReason.UNREADABLE, "the table names a file that does not come from the hub")
    try:
        with open_regular(Path(path)) as file:
            return limit_size(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise SkipFile(SkipReason.UNREADABLE, error.strerror or str(error)) from error


def _is_offline_mode() -> bool:
    """Whether the user told the library to use only earlier downloads."""
    return any(os.environ.get(name, "0") not in ("", "0") for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"))


def address() -> tuple[str, int]:
    """Return host and port of the hub: those of the library's $HF_ENDPOINT, by default huggingface.co."""
    url = urlsplit(os.environ.get("HF_ENDPOINT") or "https://huggingface.co")
    return url.hostname or "huggingface.co", url.port or (80 if url.scheme == "http" else 443)


def is_reachable() -> bool:
    """Whether the hub may be asked and accepts a connection.

    Assumed behind a proxy, which a plain connection would bypass; never in the library's offline mode.
    """
    if _is_offline_mode():
        return False
    if "https" in getproxies():
        return True
    try:
        with socket.create_connection(address(), timeout=_TIMEOUT):
            return True
    except (OSError, ValueError):
        return False
