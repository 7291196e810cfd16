"""The log of a run: `log.jsonl` with one JSON object per line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ganache.core.storage import append_bytes, write_bytes
from ganache.core.strict import numbers_of
from ganache.errors import TrainingError
from ganache.runs.log_lines import damage_notice, entries
from ganache.training.state import Report, State


class Log:
    """Appends to the log of the run in `folder`, which is at `step`; lines of later steps are removed."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "log.jsonl"
        self.lines: list[dict[str, Any]] = []
        """All lines: those of steps, and notices."""
        self.last: dict[str, Any] = {}
        """The last step line that was written; empty at first."""
        self._remove_after(step)

    def write(self, line: dict[str, Any]) -> None:
        """Append the line of a step. Raises TrainingError, and appends nothing, if a value is NaN or infinite."""
        bad = [name for name, value in numbers_of(line) if not math.isfinite(value)]
        if bad:
            raise non_finite_error(line["step"], bad[0].replace("/", "."))
        self._append(line)
        self.last = line

    def notice(self, step: int, event: str, sentence: str) -> None:
        """Append an event of the run: one word for programs, one sentence for people."""
        self._append({"step": step, "event": event, "notice": sentence})

    def _append(self, line: dict[str, Any]) -> None:
        append_bytes(self.path, (json.dumps(line) + "\n").encode())
        self.lines.append(line)

    def _remove_after(self, step: int) -> None:
        """Remove the lines after `step`, which a resumed run writes again, and an incomplete last line.

        Damaged lines stay in the file as they are.
        """
        kept, skipped = [], 0
        with suppress(FileNotFoundError):
            for raw, line in entries(self.path):
                if line is None or line["step"] <= step:
                    kept.append(raw)
                    self.lines += [] if line is None else [line]
                    skipped += line is None
            write_bytes(self.path, b"".join(kept))
        self.lines[:0] = damage_notice(self.path, skipped, len(kept))


class SpeedMeter:
    """Measures training speed between log lines."""

    def __init__(self, batch: int, state: State) -> None:
        self.batch = batch
        self._batches, self._seconds = state.batch_index, state.seconds

    def images_per_second(self, state: State) -> float:
        """Return real images per second since the last call."""
        batches, seconds = state.batch_index - self._batches, state.seconds - self._seconds
        self._batches, self._seconds = state.batch_index, state.seconds
        return batches * self.batch / max(seconds, 1e-9)


def step_line(report: Report, seconds: float, images_per_second: float) -> dict[str, Any]:
    """Return the log line of a step as plain data; reading the tensors waits for a GPU."""
    return {
        "step": report.step,
        "images": report.images,
        "seconds": round(seconds, 3),
        "images_per_second": round(images_per_second, 1),
        "d": {name: float(term) for name, term in report.d.items()},
        "g": {name: float(term) for name, term in report.g.items()},
        "estimates": {name: float(value) for name, value in report.estimates.items()},
        "d_gradient_norm": float(report.d_gradient_norm),
        "g_gradient_norm": float(report.g_gradient_norm),
    }


def read(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a log, checked, as plain data under the names of today; empty if there is no log.

    Damaged lines are skipped; then the first line that is returned is a notice that says how many.
    """
    found: list[dict[str, Any] | None] = []
    with suppress(FileNotFoundError):
        found = [line for _, line in entries(path)]
    return [*damage_notice(path, found.count(None), len(found)), *(line for line in found if line is not None)]


def step_lines(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the lines of steps, without the notices."""
    return [line for line in lines if "d" in line]


def non_finite_error(step: int, name: str) -> TrainingError:
    """Return the error for a loss, norm or weight that is NaN or infinite."""
    return TrainingError(
        f"At step {step}, {name} is NaN or infinite; the last checkpoint is intact: train again with another --seed or "
        "with lower learning rates (--critic-optimiser.lr, --generator-optimiser.lr), or let the run do so by itself, "
        "once, with --policy.retry-nan True."
    )
