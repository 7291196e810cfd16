"""The log of a run: `log.jsonl`, one JSON object a line, and TensorBoard events where that is installed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from ganache.core import old_names
from ganache.core.storage import write_text
from ganache.errors import TrainingError


class Log:
    """Appends to the log of the run in `folder`, which has reached `step`: what was written after it goes."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "log.jsonl"
        self.lines: list[dict[str, Any]] = []
        """All lines: those of steps, and notices."""
        self.last: dict[str, Any] = {}
        """The last line of a step that was written."""
        self._step = step
        self._cut(step)

    def write(self, line: dict[str, Any]) -> None:
        """Append a line. Raises TrainingError, and appends nothing, where one of its numbers is no number."""
        wrong = [name for name, value in flat(line) if not math.isfinite(value)]
        if wrong:
            raise not_numbers(line["step"], wrong[0].replace("/", "."))
        self._append(line)
        if self._events is not None:
            for name, value in flat(line):
                self._events.add_scalar(name, value, line["step"])
        self.last = line

    def say(self, step: int, event: str, sentence: str) -> None:
        """Append a notice: what happened to the run, in a word for programs and a sentence for people."""
        self._append({"step": step, "event": event, "notice": sentence})

    def _append(self, line: dict[str, Any]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self.lines.append(line)

    @cached_property
    def _events(self) -> Any:
        """TensorBoard's writer, opened with the first line; None where it is not installed."""
        with suppress(ImportError):
            from torch.utils.tensorboard import SummaryWriter

            return SummaryWriter(str(self.path.parent / "tensorboard"), purge_step=self._step + 1)
        return None

    def _cut(self, step: int) -> None:
        """Take away the lines after `step`, which a resumed run writes again, and a line that was cut short."""
        if not self.path.exists():
            return
        self.lines = [line for line in read(self.path) if line["step"] <= step]
        write_text(self.path, "".join(json.dumps(line) + "\n" for line in self.lines))


def read(path: Path) -> list[dict[str, Any]]:
    """The lines of a log; one that was cut short is left out. Empty where there is no log."""
    lines = []
    with suppress(FileNotFoundError):
        for text in path.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError):
                lines.append(old_names.log_line(json.loads(text)))
    return lines


def measured(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines that tell of a step, without the notices."""
    return [line for line in lines if "d" in line]


def not_numbers(step: int, what: str) -> TrainingError:
    """The error for a loss or a weight that became infinite or undefined."""
    return TrainingError(
        f"At step {step}, {what} is not a number any more: the last checkpoint is still good; train again from another "
        "--seed, or with lower rates (--critic-optimiser.lr, --generator-optimiser.lr), which --policy.retry-nan True "
        "does by itself, once."
    )


def flat(line: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a line by its name: `d/real`, `g/fake`, `d_gradient_norm`, ...

    >>> dict(flat({"step": 1, "d": {"real": 0.5}}))
    {'step': 1, 'd/real': 0.5}
    """
    for name, value in line.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}/")
        elif isinstance(value, int | float):
            yield prefix + name, value
