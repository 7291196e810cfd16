"""The lines of `log.jsonl`: what each kind holds, checked when a line is read.

A log may be cut short by a power cut, edited by hand, or come from somebody else. Whoever reads lines may rely on the
types and ranges that are declared here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganache.core import old_names
from ganache.core.storage import MAX_TEXT, open_regular
from ganache.core.strict import numbers_of, parse_json, read_record, require_bounded
from ganache.errors import CheckpointError, ConfigError
from ganache.runs.probe import Probe

LONGEST_LINE, MOST_LINES = 2**16, 2**21
"""Bytes of a line, and lines of a log. A line with a probe has 2,000 bytes, others have 500."""
LONGEST_TEXT, MOST_TERMS = 2_000, 100
"""Characters of a sentence, and numbers in `d`, `g` and `estimates`."""
DAMAGED = "damaged log"
"""The event of the notice, which is in no file, that lines were skipped."""


@dataclass(frozen=True)
class StepLine:
    """The line of a step."""

    step: int
    images: int
    seconds: float
    images_per_second: float
    d: dict[str, float]
    """The terms of the critic's loss."""
    g: dict[str, float]
    d_gradient_norm: float
    g_gradient_norm: float
    estimates: dict[str, float] = field(default_factory=dict)
    augment_p: float | None = None
    probe: Probe | None = None
    findings: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        probed = {} if self.probe is None else vars(self.probe)
        require_bounded(numbers_of({**vars(self), "probe": probed}))
        for terms in (self.d, self.g, self.estimates):
            if len(terms) > MOST_TERMS or any(len(name) > MOST_TERMS for name in terms):
                raise ValueError("it has too many terms, or terms with too long a name")
        counted = ("step", "images", "seconds", "cost", "non_finite", "data_size")
        if any(part.get(name, 0) < 0 for part in (vars(self), probed) for name in counted):
            raise ValueError("a number that counts is negative")


@dataclass(frozen=True)
class Notice:
    """The line of an event: one word for programs, one sentence for people."""

    step: int
    notice: str
    event: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.step < 2**53 or max(len(self.notice), len(self.event)) > LONGEST_TEXT:
            raise ValueError("its step is out of range, or its text is too long")


def parse(raw: bytes) -> dict[str, Any] | None:
    """Return a line as plain data under the names of today; None if it is not what ganache writes."""
    if len(raw) >= LONGEST_LINE:
        return None
    try:
        plain = old_names.log_line(parse_json(raw.decode(), "A log line"))
        if "notice" in plain:
            notice = vars(read_record(Notice, plain, "log line"))
            return {name: value if name == "step" else " ".join(value.split()) for name, value in notice.items()}
        line = read_record(StepLine, plain, "log line")
    except (ConfigError, ValueError):
        return None
    found = {name: value for name, value in vars(line).items() if value is not None}
    return found | ({} if line.probe is None else {"probe": vars(line.probe)})


def entries(path: Path) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
    """Yield (a line of a log as it is in the file, the same as plain data or None if it is damaged).

    An incomplete last line is left out: it may be written at this moment. A line that is too long is damaged, and comes
    in parts. Raises FileNotFoundError if there is no log, and CheckpointError if it cannot be read.
    """
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > MAX_TEXT:
                raise CheckpointError(f"{path} has more than {MAX_TEXT:,} bytes: remove lines of it.")
            for number, raw in enumerate(iter(lambda: file.readline(LONGEST_LINE), b"")):
                if number == MOST_LINES:
                    raise CheckpointError(f"{path} has more than {MOST_LINES:,} lines: remove lines of it.")
                if (raw.endswith(b"\n") or len(raw) == LONGEST_LINE) and raw.strip():
                    yield raw, parse(raw)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({error.strerror or error}): check the file.") from None


def damage_notice(path: Path, skipped: int, total: int) -> list[dict[str, Any]]:
    """Return a notice that lines were skipped, as a list; empty if none was."""
    sentence = f"{path}: {skipped:,} of {total:,} lines cannot be read and are skipped."
    return [{"step": 0, "event": DAMAGED, "notice": sentence}] if skipped else []
