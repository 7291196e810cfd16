"""The files that commands write: their endings, and that they replace nothing that ganache did not write."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ganache.core.outputs import file_is_ours, refuse_to_replace
from ganache.core.storage import read_bytes
from ganache.errors import ConfigError
from ganache.lab.experiment import STILL, Experiment
from ganache.lab.serialisation import from_json

MAX_REQUEST = 2**24
"""Bytes of a request: far more than any has."""


def check_output(out: str | Path, endings: Sequence[str] = STILL, inputs: Iterable[str | Path] = ()) -> None:
    """Raise ConfigError, before any work, unless a command may write the file `out`.

    Its name must end in one of `endings`, and it must not replace a file that ganache did not write or one of the
    `inputs` of the command.
    """
    path = Path(out)
    if path.suffix.lower() not in endings:
        listed = f"{', '.join(endings[:-1])} or {endings[-1]}" if len(endings) > 1 else endings[0]
        raise ConfigError(f"The file to write is named '{out}': its name must end in {listed}.")
    if not path.parent.is_dir():
        raise ConfigError(f"There is no folder {path.parent} to write {path.name} into: create it, or name another.")
    refuse_to_replace(path, inputs)


def check_request_file(file: Path, request: Experiment) -> None:
    """Raise ConfigError if writing `request` to `file` would replace something that ganache did not write.

    A request is ganache's if a figure of ganache of the same name is beside it; else the user may have written it.
    """
    if not os.path.lexists(file):
        return
    try:
        found = from_json(read_bytes(file, MAX_REQUEST).decode("utf-8-sig"))
    except (OSError, ValueError, ConfigError):
        raise ConfigError(f"{file} exists, is no request and would be overwritten: name another picture.") from None
    if found != request and not any(map(_is_figure, _same_name(file))):
        raise ConfigError(f"{file} is a request without its figure and would be overwritten: name another picture.")


def is_same_file(file: Path, other: str) -> bool:
    """Whether both exist and are one file."""
    return bool(other) and file.exists() and os.path.exists(other) and os.path.samefile(file, other)


def _same_name(file: Path) -> list[Path]:
    """Return the other files of the same name, whatever their ending."""
    with os.scandir(file.parent) as entries:
        names = [entry.name for entry in entries]
    paths = (file.with_name(name) for name in names if name != file.name)
    return [path for path in paths if path.stem == file.stem]


def _is_figure(path: Path) -> bool:
    try:
        return file_is_ours(path)
    except OSError:
        return False
