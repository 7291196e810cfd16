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
COLUMNS = ("claim", "outcome", "measured", "value", "holds_at", "fails_at", "part", "seeds", "minutes", "size")


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
    """Write `verdicts.csv` in the folder `out`: one row per judged number. Returns its path."""
    path = out / VERDICTS
    write_text(path, as_csv([COLUMNS, *(row for verdict in verdicts for row in verdict_rows(verdict))]))
    return path


def verdict_rows(verdict: StoredVerdict) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of one claim, in the order of COLUMNS."""
    size = " ".join(f"{name}={plain(value)}" for name, value in verdict.size.items() if name != "fingerprint")
    for part in verdict.parts:
        yield (
            verdict.name,
            verdict.outcome,
            part.what,
            part.number,
            f"{part.signs[0]} {float(part.holds):g}",
            f"{part.signs[1]} {float(part.fails):g}",
            part.outcome,
            verdict.seeds,
            round(verdict.seconds / 60, 1),
            size,
        )


def plain(value: Any) -> str:
    """Return a setting of an experiment's size as text; lists are joined by "+"."""
    return "+".join(map(str, value)) if isinstance(value, list) else str(value)


def as_csv(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows as CSV text."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()
