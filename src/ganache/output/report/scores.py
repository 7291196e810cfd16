"""The table of scores: a score per row, an evaluation per column, and a plot with error bars."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from ganache.evaluation.evaluation import DESCRIPTIONS, Evaluation, Score, format_number
from ganache.output.report.summary import RunSummary

WIDTH, ROW_HEIGHT = 160, 14
"""Pixels: the width of a plot, and its height per evaluation."""

MARGIN = 6
"""Pixels left and right of a plot's range, so that dots at its ends are whole."""

PERCEPTUAL = "perceptual"
"""The features whose table comes first."""

UNIT_RANGE = ("precision", "recall", "density", "coverage")
"""Scores whose plots reach from 0 to 1 at least."""


@dataclass(frozen=True)
class Column:
    """One evaluation of one run."""

    run_index: int
    run: RunSummary
    evaluation: Evaluation

    @property
    def title(self) -> str:
        """The checkpoint that was evaluated."""
        step = self.evaluation.protocol.step
        return "" if step is None else f"step {step:,}"


@dataclass(frozen=True)
class Bar:
    """A dot and its error bar; lengths in pixels."""

    run_index: int
    left: str
    centre: str
    right: str
    y: float


@dataclass(frozen=True)
class Plot:
    """The values of one score as dots with error bars of two standard errors, on a line that includes 0."""

    width: int
    height: int
    zero: str
    real: str | None
    """Where the value of real pictures lies, or None if it is not known."""
    bars: list[Bar]


@dataclass(frozen=True)
class Row:
    """One score of every evaluation."""

    name: str
    description: str
    better: str
    """"lower" or "higher"."""
    values: list[str]
    real: str
    plot: Plot


@dataclass(frozen=True)
class ScoreTable:
    """The evaluations that were made in one way, which can be compared."""

    heading: str
    columns: list[Column]
    rows: list[Row]


@dataclass(frozen=True)
class Scores:
    """What the section shows."""

    tables: list[ScoreTable]
    unevaluated: list[RunSummary]


def scores_of(runs: Sequence[RunSummary]) -> Scores:
    """Collect the evaluations of all runs, a table for each way in which they were made.

    Those by perceptual features come first, then those of most evaluations.
    """
    ways: dict[tuple[Hashable, ...], list[Column]] = {}
    for index, run in enumerate(runs):
        for evaluation in run.evaluations:
            ways.setdefault(evaluation.protocol.way, []).append(Column(index, run, evaluation))

    def rank(columns: list[Column]) -> tuple[bool, int]:
        return columns[0].evaluation.protocol.features != PERCEPTUAL, -len(columns)

    tables = [score_table(columns) for columns in sorted(ways.values(), key=rank)]
    return Scores(tables, [run for run in runs if not run.evaluations])


def score_table(columns: Sequence[Column]) -> ScoreTable:
    """Collect the scores of evaluations that were made in one way."""
    names = dict.fromkeys(score.name for column in columns for score in column.evaluation.scores)
    p = columns[0].evaluation.protocol
    heading = f"{p.features} features, {p.generated:,} generated and {p.real:,} real pictures of {p.data}"
    return ScoreTable(heading, list(columns), [row(name, columns) for name in names])


def row(name: str, columns: Sequence[Column]) -> Row:
    """Collect one score of every evaluation; a cell is empty if an evaluation lacks it."""
    scores = [find_score(column.evaluation, name) for column in columns]
    known = [score for score in scores if score is not None]
    real = next((score.real for score in known if score.real is not None), None)
    return Row(
        name.replace("_", " "),
        DESCRIPTIONS.get(name, ""),
        known[0].better,
        ["" if score is None else with_error(score.value, score.error) for score in scores],
        "" if real is None else format_number(real),
        plot(name, scores, [column.run_index for column in columns], real),
    )


def find_score(evaluation: Evaluation, name: str) -> Score | None:
    """Return a score by name, or None if the evaluation lacks it."""
    try:
        return evaluation[name]
    except KeyError:
        return None


def with_error(value: float, error: float) -> str:
    """Format a value with its standard error, which gets two digits; the value gets as many decimals.

    >>> with_error(7.6864, 0.2173).replace("\\xa0", " "), with_error(1234.5, 30.4).replace("\\xa0", " ")
    ('7.69 ± 0.22', '1234 ± 30')
    """
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return f"{format_number(value)}\xa0±\xa0{format_number(error)}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f}\xa0±\xa0{error:.{digits}f}"


def plot(name: str, scores: Sequence[Score | None], run_indices: Sequence[int], real: float | None) -> Plot:
    """Lay out the plot of one score; evaluations whose value or error is not finite are left out."""
    known = [
        (index, run_index, score.value, 2 * score.error)
        for index, (score, run_index) in enumerate(zip(scores, run_indices, strict=True))
        if score is not None and math.isfinite(score.value) and math.isfinite(score.error)
    ]
    ends = [0.0, float(name in UNIT_RANGE), *([] if real is None else [real])]
    ends += [end for *_, value, error in known for end in (value - error, value + error)]
    low, high = min(ends), max(ends)
    scale = (WIDTH - 2 * MARGIN) / ((high - low) or 1.0)

    def x(value: float) -> str:
        return f"{MARGIN + (value - low) * scale:.1f}"

    bars = [
        Bar(run_index, x(value - error), x(value), x(value + error), ROW_HEIGHT * (index + 0.5) + 2)
        for index, run_index, value, error in known
    ]
    return Plot(WIDTH, ROW_HEIGHT * len(scores) + 4, x(0), None if real is None else x(real), bars)
