"""The tables of the claims: every number of one claim, and one row per judged number of all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ganache.claims.claim import Measurement
from ganache.claims.stored import StoredVerdict
from ganache.core.storage import write_text

VERDICTS = "verdicts.csv"
COLUMNS = (
    "claim", "outcome", "kind", "measured", "value", "holds_at", "fails_at", "result", "seeds", "seeds_needed",
    "minutes", "estimated_minutes", "size",
)  # fmt: skip


def numbers_csv(measured: Sequence[Measurement]) -> str:
    """Return a CSV table, one row per number: variant, seed, name, index in its series, value."""
    rows: list[tuple[Any, ...]] = [("variant", "seed", "name", "place", "value")]
    for run in measured:
        for name, value in run.numbers.items():
            series = value if isinstance(value, list) else [value]
            if all(isinstance(number, int | float) for number in series):
                rows += [(run.unit.variant, run.unit.seed, name, index, number) for index, number in enumerate(series)]
    return as_csv(rows)


def write_verdicts(out: Path, verdicts: Sequence[StoredVerdict]) -> Path:
    """Write `verdicts.csv` in the folder `out`: one row per judged number and control. Returns its path."""
    path = out / VERDICTS
    write_text(path, as_csv([COLUMNS, *(row for verdict in verdicts for row in verdict_rows(verdict))]))
    return path


def verdict_rows(verdict: StoredVerdict) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of one claim, in the order of COLUMNS."""
    size = " ".join(f"{name}={plain(value)}" for name, value in verdict.size.items() if name != "fingerprint")
    spent = round(verdict.seconds / 60, 1), round(verdict.estimated / 60, 1), size
    for control in verdict.controls:
        required = f"{'≥' if control.at_least else '≤'} {float(control.bound):g}"
        result = "reached" if control.passed else "not reached"
        shared = (verdict.name, verdict.outcome, "control", control.what, control.number)
        yield (*shared, required, "", result, verdict.seeds, "", *spent)
    for part in verdict.parts:
        bounds = (f"{sign} {float(bound):g}" for sign, bound in zip(part.signs, (part.holds, part.fails), strict=True))
        shared = (verdict.name, verdict.outcome, "part", part.what, part.number)
        yield (*shared, *bounds, part.outcome, verdict.seeds, part.seeds_needed or "", *spent)


def plain(value: Any) -> str:
    """Return a setting of an experiment's size as text; lists are joined by "+"."""
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def as_csv(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as CSV text."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()
