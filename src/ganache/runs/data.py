"""The data that a run was trained on: where they are kept, how they are found again, and told from others."""

from __future__ import annotations

import os
import shlex
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ganache.config.config import from_record
from ganache.core.checkpoint_file import read_header
from ganache.data import Dataset
from ganache.data.readers import Source
from ganache.data.value_range import Ranges
from ganache.errors import CheckpointError, DataError, GanacheWarning
from ganache.runs.folder import read_config
from ganache.training.build import prepared

DATA_PATHS = "data_paths"
"""The key of a run's `config.json`, and of its checkpoints' headers, with the paths of its data."""

UNKNOWN = "unknown"
"""The fingerprint of the data of a model that other software has trained."""


def data_paths(source: str, folder: Path) -> list[str]:
    """Return the paths of the data that a run in `folder` is trained on: absolute, then relative to the folder.

    Empty if the source is a name, such as "faces". Paths that are not UTF-8, which JSON cannot hold, are left out.
    """
    path = Source.named(source).path
    if path is None:
        return []
    paths = [os.path.abspath(path)]
    with suppress(ValueError):  # another drive of Windows
        paths.append(os.path.relpath(paths[0], os.path.realpath(folder)))
    return [path for path in paths if path.isascii() or path.encode(errors="ignore").decode() == path]


def run_data(checkpoint: Path, source: str | None = None, *, progress: bool = False, download: bool = True) -> Dataset:
    """Return the data that the run of a checkpoint was trained on, or those of `source` at the size of its images.

    `download`: whether the user named `source`, so that it may be downloaded.

    The run's data are searched for at their absolute path, then at their path relative to the run. What a run names is
    never downloaded, and data with another fingerprint than those that it was trained on are refused. Raises DataError
    if the data are not found.
    """
    header = read_header(checkpoint)
    config = from_record(header.get("config", {})).data
    shape = header.get("image_shape", ())
    if source:
        size, channels = (f"{shape[1]}x{shape[2]}", shape[0]) if len(shape) == 3 else (config.size, config.channels)
        sized = replace(config, size=size, channels=channels)
        return prepared(sized, source, progress=progress, download=download)
    if header.get("data_fingerprint") == UNKNOWN:
        raise DataError(
            f"The data that {checkpoint.parent.parent} was trained on are unknown: name them with  --data DATA"
        )
    kept, problems = _kept_paths(checkpoint, header), list[str]()
    for place in (*kept, config.source):
        if place in kept and not os.path.exists(place):
            problems.append(f"there is nothing at {shlex.quote(place)}")
            continue
        try:
            data = prepared(config, place, progress=progress, download=False)
        except DataError as error:
            problems.append(str(error).removesuffix("."))
            continue
        if is_training_data(header, data):
            return data
        problems.append(f"{shlex.quote(place)} holds other data than those that the run was trained on")
    hint = "" if "--data" in problems[0] else "; name its data with  --data DATA"
    raise DataError(f"The data of {checkpoint.parent.parent} cannot be used: {problems[0]}{hint}")


def ranges_of_data(checkpoint: Path) -> Ranges:
    """Return the range of each kind of stored values in the run's data; none, with a warning, without the data."""
    try:
        return run_data(checkpoint, download=False).ranges
    except DataError as error:
        warnings.warn(f"The picture is scaled by its own values. {error}", GanacheWarning, stacklevel=2)
        return {}


def is_training_data(header: Mapping[str, Any], data: Dataset) -> bool:
    """Whether a run, given the header of a checkpoint, was trained on these data; true if the header does not tell."""
    return bool(header.get("data_fingerprint", data.fingerprint) == data.fingerprint)


def _kept_paths(checkpoint: Path, header: Mapping[str, Any]) -> list[str]:
    """Return the absolute paths at which the data of a run may be, the likeliest first.

    Those in the run's `config.json` come first: it is rewritten when the run is resumed with data that were moved.
    """
    folder, config = Path(os.path.realpath(checkpoint.parent.parent)), dict[str, Any]()
    with suppress(CheckpointError):
        config = read_config(folder) or {}
    kept = [path for record in (config, header) if isinstance(paths := record.get(DATA_PATHS), list) for path in paths]
    usable = (path for path in kept if isinstance(path, str) and path and "\0" not in path)
    return list(dict.fromkeys(os.path.normpath(folder / path) for path in usable))
