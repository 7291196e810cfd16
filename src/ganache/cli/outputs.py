"""The files that commands write: their endings, and that they replace nothing that ganache did not write."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from ganache.core.outputs import refuse_to_replace
from ganache.core.storage import read_bytes
from ganache.errors import ConfigError
from ganache.lab.experiment import STILL
from ganache.lab.serialisation import from_json

MAX_REQUEST = 2**24
"""Bytes of a request: far more than any has."""


def check_output(
    out: str | Path, endings: Sequence[str] = STILL, inputs: Iterable[str | Path] = (), with_request: bool = False
) -> None:
    """Raise ConfigError, before any work, unless a command may write the file `out`.

    Its name must end in one of `endings`, and it must not replace a file that ganache did not write or one of the
    `inputs` of the command. The same holds for the request beside it (`with_request`).
    """
    path = Path(out)
    if path.suffix.lower() not in endings:
        listed = f"{', '.join(endings[:-1])} or {endings[-1]}" if len(endings) > 1 else endings[0]
        raise ConfigError(f"The file to write is named '{out}': its name must end in {listed}.")
    if not path.parent.is_dir():
        raise ConfigError(f"There is no folder {path.parent} to write {path.name} into: create it, or name another.")
    if with_request:
        refuse_unless_request(path.with_suffix(".json"))
    refuse_to_replace(path, inputs)


def refuse_unless_request(file: Path) -> None:
    """Raise ConfigError if the file exists and is not a request."""
    if not os.path.lexists(file):
        return
    try:
        from_json(read_bytes(file, MAX_REQUEST).decode("utf-8-sig"))
    except (OSError, ValueError, ConfigError):
        raise ConfigError(f"{file} exists, is no request and would be overwritten: name another picture.") from None
