"""Resuming a run: whether settings and data allow it, and from which checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from ganache.config.config import Config, differences, from_record, to_dict
from ganache.config.sections import DataConfig
from ganache.core import storage
from ganache.data import Dataset
from ganache.errors import CheckpointError, ConfigError
from ganache.training.resolved import Resolved

BUDGET = ("schedule.steps", "schedule.minutes", "schedule.images")
MAY_CHANGE = (*BUDGET, "record.", "probe.", "policy.", "data.source", "device", "precision.cuda_graphs", "recipe")
"""Settings that may change when a run is resumed. Data are identified by their fingerprint, not by their path."""


def keep_old_split(known: dict[str, Any], resolved: Resolved, data: Dataset) -> tuple[Resolved, Dataset]:
    """Hold out no images if the run in the folder (settings `known`) held out none and the user did not ask for it.

    Such a run, for example one from before images were held out, has been trained on every image.
    """
    config = resolved.config
    if config.data.held_out != DataConfig.held_out or known.get("data", {}).get("held_out"):
        return resolved, data
    return replace(resolved, config=replace(config, data=replace(config.data, held_out=0.0))), data.split(0.0)


def refuse_differences(folder: Path, known: dict[str, Any], config: Config, data: Dataset) -> None:
    """Raise ConfigError if the run in `folder` (settings `known`) has other settings or other data."""
    old_fingerprint = known.pop("data_fingerprint", data.fingerprint)
    known = to_dict(from_record(known))
    changed = [
        f"{name}: {old} -> {new}"
        for name, old, new in differences(known, to_dict(config))
        if not name.startswith(MAY_CHANGE)
    ]
    if old_fingerprint != data.fingerprint:
        changed.append(f"the data: {old_fingerprint[:12]} -> {data.fingerprint[:12]}")
    if changed:
        raise ConfigError(
            f"The run in {folder} has other settings ({'; '.join(changed)}): use its settings to resume it, --out "
            "FOLDER to start another run, or --force to resume it with the new settings."
        )


def load_newest(
    folder: Path, paths: Sequence[Path]
) -> tuple[tuple[dict[str, Tensor], dict[str, Any]] | None, list[str]]:
    """Return ((tensors, header) of the newest undamaged checkpoint, or None; one notice per damaged checkpoint).

    Damaged checkpoints are renamed to *.damaged, and temporary files of interrupted writes are removed.
    """
    notices: list[str] = []
    for name in ("config.json", "log.jsonl", "samples.png"):
        storage.remove_temporaries(folder / name)
    for part in ("checkpoints", "samples"):
        for temporary in (folder / part).glob(".*"):
            temporary.unlink()
    for path in sorted(paths, reverse=True):
        try:
            return storage.load(path), notices
        except CheckpointError as error:
            notices.append(f"{error} The checkpoint before it is used; the damaged one is now {path.name}.damaged.")
            path.rename(path.with_name(path.name + ".damaged"))
    return None, notices
