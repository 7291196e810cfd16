"""Going on with a run: whether that may be, and from where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from ganache.config.config import Config, differences, from_record, to_dict
from ganache.core import storage
from ganache.data import Dataset
from ganache.errors import CheckpointError, ConfigError

BUDGET = ("schedule.steps", "schedule.minutes", "schedule.images")
FREE = (*BUDGET, "record.", "probe.", "policy.", "data.source", "device", "precision.cuda_graphs", "recipe")
"""Settings that may change when a run is resumed (the data are known by their fingerprint, not by their path)."""


def refuse_differences(folder: Path, known: dict[str, Any], config: Config, data: Dataset) -> None:
    """Raise ConfigError where the run in `folder` has other settings or other data."""
    old_print = known.pop("data_fingerprint", data.fingerprint)
    known = to_dict(from_record(known))
    changed = [
        f"{name}: {before} -> {after}"
        for name, before, after in differences(known, to_dict(config))
        if not name.startswith(FREE)
    ]
    if old_print != data.fingerprint:
        changed.append(f"the data: {old_print[:12]} -> {data.fingerprint[:12]}")
    if changed:
        raise ConfigError(
            f"The run in {folder} has other settings ({'; '.join(changed)}): give the old ones to go on with it, "
            "--out FOLDER to begin another, or --force to go on with the new ones."
        )


def newest_whole(
    folder: Path, paths: Sequence[Path]
) -> tuple[tuple[dict[str, Tensor], dict[str, Any]] | None, list[str]]:
    """(tensors and header of the newest of these checkpoints that is whole, a remark on each damaged one).

    The damaged are set aside, and what was cut short while it was written is cleared away.
    """
    remarks: list[str] = []
    for name in ("config.json", "log.jsonl", "samples.png"):
        storage.remove_temporaries(folder / name)
    for part in ("checkpoints", "samples"):
        for temporary in (folder / part).glob(".*"):
            temporary.unlink()
    for path in sorted(paths, reverse=True):
        try:
            return storage.load(path), remarks
        except CheckpointError as error:
            remarks.append(f"{error} The one before is taken; the damaged one is now {path.name}.damaged.")
            path.rename(path.with_name(path.name + ".damaged"))
    return None, remarks
