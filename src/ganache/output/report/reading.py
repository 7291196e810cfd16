"""What the folders of runs tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ganache.core.storage import read_header
from ganache.errors import CheckpointError
from ganache.evaluation.results import Evaluation
from ganache.runs.folder import best_checkpoint, checkpoints, read_config, read_evaluations
from ganache.runs.log import measured, read


@dataclass(frozen=True)
class RunSummary:
    """One run."""

    folder: Path
    name: str
    """As the page calls it: by no other run's name."""
    config: dict[str, Any]
    log: list[dict[str, Any]]
    headers: dict[Path, dict[str, Any]]
    """Of each checkpoint that is there, oldest first."""
    best: Path | None
    """The checkpoint whose pictures were nearest to real ones, or the last where none has a score."""
    evaluations: list[Evaluation]
    samples: dict[int, Path]
    """Step -> the picture file of the fixed latents."""

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """The log's lines of steps, without its notices."""
        return measured(self.log)


def told(folders: Sequence[str | Path]) -> list[RunSummary]:
    """What each folder tells. Raises CheckpointError where one is no run."""
    paths = list(dict.fromkeys(Path(folder) for folder in folders))
    short = {path.resolve().name for path in paths}
    return [told_by(path, path.resolve().name if len(short) == len(paths) else str(path)) for path in paths]


def told_by(folder: Path, name: str) -> RunSummary:
    config = read_config(folder)
    if config is None:
        raise CheckpointError(f"{folder} is no run: give the folders that `ganache train` wrote.")
    headers = {path: read_header(path) for path in checkpoints(folder)}
    headers = {path: header for path, header in headers.items() if header}  # a run in training lets go of some
    return RunSummary(
        folder=folder,
        name=name,
        config=config,
        log=read(folder / "log.jsonl"),
        headers=headers,
        best=best_checkpoint(folder) if headers else None,
        evaluations=read_evaluations(folder),
        samples={int(path.stem): path for path in sorted((folder / "samples").glob("[0-9]*.png"))},
    )
