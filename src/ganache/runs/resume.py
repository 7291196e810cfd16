"""Resuming a run: whether settings and data allow it, and from which checkpoint."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import count
from pathlib import Path
from typing import Any

from torch import Tensor

from ganache.config.config import BEFORE_IT_EXISTED, Config, differences, from_record, require_sections, to_dict
from ganache.config.sections import DataConfig, PolicyConfig
from ganache.core import checkpoint_file, storage
from ganache.data import TOYS, Dataset
from ganache.errors import CheckpointError, ConfigError, DamagedCheckpoint
from ganache.evaluation.mirror import DIFFERENT, mirror_auc
from ganache.runs.data import DATA_PATHS
from ganache.runs.file_names import PARTS
from ganache.runs.folder import AboutRun, checkpoints
from ganache.runs.log import read, step_lines
from ganache.training.processes import Processes
from ganache.training.resolved import Resolved

DATA_FINGERPRINT = "data_fingerprint"
"""The key of a run's `config.json`, and of its checkpoints' headers, with the fingerprint of its data."""
BUDGET = ("schedule.steps", "schedule.minutes", "schedule.images")
MAY_CHANGE = (*BUDGET, "record.", "probe.", "policy.", "data.source", "device", "precision.cuda_graphs", "recipe")
"""Settings that may change when a run is resumed. Data are identified by their fingerprint, not by their path."""
SCORE = "policy.score"
"""The one setting below `policy.` that may not: scores of two kinds cannot be compared."""


def keep_old_choices(known: dict[str, Any] | None, config: Config) -> Config:
    """Return the settings with the labels and the score of a run that began before these could be chosen.

    Such a run goes on with the classes that it began with, unless the user asks for others; and any run with its score.
    """
    if known is None:
        return config
    if "labels" not in known.get("data", {}) and config.data.labels == DataConfig.labels:
        config = replace(config, data=replace(config.data, labels=BEFORE_IT_EXISTED["data"]["labels"]))
    before = BEFORE_IT_EXISTED["policy"]["score"]
    if known.get("policy", {}).get("score", before) == before and config.policy.score == PolicyConfig.score:
        config = replace(config, policy=replace(config.policy, score=before))
    return config


def with_parts(known: dict[str, Any] | None, config: Config, processes: Processes) -> Config:
    """Return the settings with the parts of a batch that several processes share, unless the user chose them.

    A run goes on with its own, on any number of processes; a new one has a part per process.
    """
    schedule = config.schedule
    if schedule.micro_batch is not None:
        return config
    before = (known or {}).get("schedule", {}).get("micro_batch")
    share = schedule.batch // processes.world if known is None and processes.world > 1 else before
    return replace(config, schedule=replace(schedule, micro_batch=share))


def keep_old_split(known: dict[str, Any], resolved: Resolved, data: Dataset) -> tuple[Resolved, Dataset]:
    """Hold out no images if the run in the folder (settings `known`) held out none and the user did not ask for it.

    Such a run, for example one from before images were held out, has been trained on every image.
    """
    config = resolved.config
    if config.data.held_out != DataConfig.held_out or known.get("data", {}).get("held_out"):
        return resolved, data
    return replace(resolved, config=replace(config, data=replace(config.data, held_out=0.0))), data.split(0.0)


def without_wrong_mirroring(known: dict[str, Any] | None, resolved: Resolved, data: Dataset) -> tuple[Resolved, str]:
    """Return the settings without data.flip if a recipe mirrors pictures that it does not suit, and a sentence on it.

    These are written characters, and pictures that `mirror_auc` tells from mirrored ones. A run goes on as it began.
    """
    config = resolved.config
    if not (config.recipe and config.data.flip):
        return resolved, ""
    if known is not None:
        if known.get("data", {}).get("flip"):
            return resolved, ""
        reason = "were not mirrored when the run began"
    elif data.is_text:
        reason = "seem to be written characters"
    elif data.name not in TOYS and (found := mirror_auc(data) or 0.0) >= DIFFERENT:
        reason = f"know left from right (mirrored ones can be told from them with an AUC of {found:.2f})"
    else:
        return resolved, ""
    said = (
        f"The pictures of {data.name} {reason}, so they are not mirrored, although the recipe mirrors pictures: add "
        "--data.flip True to mirror half of them."
    )
    return replace(resolved, config=replace(config, data=replace(config.data, flip=False))), said


def refuse_differences(folder: Path, known: dict[str, Any], config: Config, data: Dataset) -> None:
    """Raise ConfigError if the run in `folder` (settings `known`) has other settings or other data."""
    old_fingerprint = known.get(DATA_FINGERPRINT, data.fingerprint)
    changed = [
        f"{name}: {old} -> {new}"
        for name, old, new in differences(to_dict(settings_of(known)), to_dict(config))
        if not name.startswith(MAY_CHANGE) or name == SCORE
    ]
    if old_fingerprint != data.fingerprint:
        changed.append(f"the data: {old_fingerprint[:12]} -> {data.fingerprint[:12]}")
    if changed:
        raise ConfigError(
            f"The run in {folder} has other settings ({'; '.join(changed)}): use its settings to resume it, --out "
            "FOLDER to start another run, or --force to resume it with the new settings."
        )


def refuse_lost_checkpoints(folder: Path, known: dict[str, Any]) -> None:
    """Raise CheckpointError if the run in `folder` (settings `known`) saved checkpoints, and none is left."""
    if checkpoints(folder):
        return
    record = settings_of(known).record
    first = min((record.checkpoint_every, *record.keep_steps))
    done = max((line["step"] for line in step_lines(read(folder / "log.jsonl"))), default=0)
    if done > first:  # a run that was killed at this very step may not have saved it
        raise CheckpointError(
            f"{folder} was trained for {done:,} steps, and has no checkpoint any more: restore one from a copy, or use "
            "--force to start again at step 0."
        )


def settings_of(known: dict[str, Any]) -> Config:
    """Return the settings in `config.json`, without what is kept beside them. Raises ConfigError if one is wrong."""
    about = [field.name for field in fields(AboutRun)]
    return from_record({name: value for name, value in known.items() if name not in about})


def newest_config(folder: Path) -> dict[str, Any] | None:
    """Return the settings in the newest checkpoint, in the form of `config.json`; None if there is no checkpoint.

    For a run whose `config.json` is missing. Raises ConfigError if a section of them is no table.
    """
    for path in reversed(checkpoints(folder)):
        header = checkpoint_file.read_header(path)
        if "config" in header:
            config: dict[str, Any] = header["config"]
            require_sections(config)
            return config | {name: header[name] for name in (DATA_FINGERPRINT, DATA_PATHS) if name in header}
    return None


def load_newest(
    folder: Path, paths: Sequence[Path], start_again: bool = False
) -> tuple[tuple[dict[str, Tensor], dict[str, Any]] | None, list[str]]:
    """Return ((tensors, header) of the newest undamaged checkpoint, or None; one notice per damaged checkpoint).

    Checkpoints that are damaged and newer than that one are renamed to *.damaged. Raises CheckpointError, and renames
    nothing, if a checkpoint cannot be read, or if all are damaged unless `start_again`.
    """
    found, bad = None, list[tuple[Path, DamagedCheckpoint]]()
    for path in sorted(paths, reverse=True):
        try:
            found = checkpoint_file.load(path)
            break
        except DamagedCheckpoint as error:
            bad.append((path, error))
    if bad and found is None and not start_again:
        raise CheckpointError(
            f"No checkpoint of {folder} is intact ({bad[0][1]} {len(bad)} in all): restore one from a copy, or use "
            "--force to start again at step 0."
        )
    return found, [_set_aside(path, error) for path, error in bad]


def _set_aside(path: Path, error: DamagedCheckpoint) -> str:
    """Rename a damaged checkpoint, and return the sentence for the user."""
    names = (f"{path.name}.damaged{n or ''}" for n in count())
    aside = next(path.with_name(name) for name in names if not os.path.lexists(path.with_name(name)))
    path.rename(aside)
    return f"{error} The checkpoint before it is used; the damaged one is now {aside.name}."


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of interrupted writes from a run's folder, which must be locked."""
    for part in (folder, *(folder / part for part in PARTS)):
        storage.remove_temporaries(part)
