"""What a run's folder holds, read once for all sections of the report."""

from __future__ import annotations

import shlex
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ganache.core.checkpoint_file import read_header
from ganache.errors import CheckpointError
from ganache.evaluation.evaluation import Evaluation
from ganache.output.same_data import data_key
from ganache.runs.folder import (
    at_step,
    best_checkpoint,
    checkpoints,
    evaluation_files,
    find_checkpoint,
    read_evaluation,
    samples,
)
from ganache.runs.log import read, step_lines
from ganache.runs.settings import recorded_settings


@dataclass(frozen=True)
class RunSummary:
    """One run."""

    folder: Path
    name: str
    """Its name on the page, which no other run has."""
    config: dict[str, Any]
    log: list[dict[str, Any]]
    headers: dict[Path, dict[str, Any]]
    """Checkpoint file -> its header, oldest first."""
    best: Path | None
    """The checkpoint that was named; by default that with the lowest score, or the last one if none has a score."""
    evaluations: list[Evaluation]
    samples: dict[int, Path]
    """Step -> the picture file of the fixed latents."""

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """The log's lines about steps, without its notices."""
        return step_lines(self.log)

    @property
    def image_shape(self) -> list[int]:
        """(C, H, W) in pixels, or (2,) for points; empty if no checkpoint tells."""
        shapes = [header.get("image_shape") for header in self.headers.values()]
        return shapes[-1] if shapes and isinstance(shapes[-1], list) else []

    @property
    def data_key(self) -> tuple[Hashable, ...]:
        """What its distances to the data depend on: see `same_data`."""
        return data_key(self.config, self.image_shape)

    @property
    def makes_points(self) -> bool:
        """Whether it makes points in the plane, and not pictures."""
        shapes = [header.get("image_shape") for header in self.headers.values()]
        return bool(shapes) and all(isinstance(shape, list) and len(shape) == 1 for shape in shapes)

    @property
    def notices(self) -> list[dict[str, Any]]:
        """The log's lines that tell in a sentence what happened to the run."""
        return [line for line in self.log if "notice" in line]

    @property
    def sample_command(self) -> str | None:
        """The command that makes more pictures with the best checkpoint; None without a checkpoint."""
        if self.best is None:
            return None
        return shlex.join(["ganache", "sample", f"{self.folder}@{self.headers[self.best]['step']}"])


def summarize_runs(runs: Sequence[str | Path]) -> list[RunSummary]:
    """Read the folders of RUN or RUN@STEP; one that is named twice is read once.

    Raises CheckpointError if one is not a run.
    """
    named = {at_step(run): run for run in runs}
    short = [f"{folder.resolve().name}{at(which)}" for folder, which in named]
    unique = len(set(short)) == len(named)
    return [
        summarize(folder, which, name if unique else f"{folder}{at(which)}")
        for (folder, which), name in zip(named, short, strict=True)
    ]


def at(which: str) -> str:
    """Return the ending of a run's name that tells which of its checkpoints is meant; empty for the last."""
    return "" if which == "last" else f"@{which}"


def summarize(folder: Path, which: str, name: str) -> RunSummary:
    """Read the folder of one run; `which` of its checkpoints is shown, "last" for the best one.

    Raises CheckpointError if it is not a run, or lacks that checkpoint.
    """
    headers = {path: read_header(path) for path in checkpoints(folder)}
    headers = {path: header for path, header in headers.items() if header}  # a run in training may have removed some
    best = find_checkpoint(folder, which) if which != "last" else best_checkpoint(folder)
    evaluations, problems = [], []
    for path in evaluation_files(folder):
        try:
            evaluations.append(read_evaluation(path))
        except CheckpointError as error:
            problems.append({"step": 0, "notice": str(error)})
    return RunSummary(
        folder=folder,
        name=name,
        config=recorded_settings(folder),
        log=[*problems, *read(folder / "log.jsonl")],
        headers=headers,
        best=best if best in headers else max(headers, default=None),
        evaluations=evaluations,
        samples={int(path.stem): path for path in samples(folder)},
    )
