"""What a run's folder holds, read once for all sections of the report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ganache.core.checkpoint_file import read_header
from ganache.evaluation.evaluation import Evaluation
from ganache.runs.folder import best_checkpoint, checkpoints, read_evaluations, require_config, samples
from ganache.runs.log import read, step_lines


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
    """The checkpoint with the lowest score, or the last one if none has a score."""
    evaluations: list[Evaluation]
    samples: dict[int, Path]
    """Step -> the picture file of the fixed latents."""

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """The log's lines about steps, without its notices."""
        return step_lines(self.log)

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


def summarize_runs(folders: Sequence[str | Path]) -> list[RunSummary]:
    """Read the folders of runs; one that is named twice is read once. Raises CheckpointError if one is not a run."""
    paths = list(dict.fromkeys(Path(folder) for folder in folders))
    short = {path.resolve().name for path in paths}
    return [summarize(path, path.resolve().name if len(short) == len(paths) else str(path)) for path in paths]


def summarize(folder: Path, name: str) -> RunSummary:
    """Read the folder of one run. Raises CheckpointError if it is not a run."""
    headers = {path: read_header(path) for path in checkpoints(folder)}
    headers = {path: header for path, header in headers.items() if header}  # a run in training may have removed some
    return RunSummary(
        folder=folder,
        name=name,
        config=require_config(folder),
        log=read(folder / "log.jsonl"),
        headers=headers,
        best=best_checkpoint(folder) if headers else None,
        evaluations=read_evaluations(folder),
        samples={int(path.stem): path for path in samples(folder)},
    )
