"""Evaluations -> a table of scores with error bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from ganache.evaluation.results import MEANINGS, Evaluation, Score, number
from ganache.figures.page import table
from ganache.output.report.chips import chip
from ganache.output.report.reading import RunSummary

WIDTH, ROW = 160, 14
"""Pixels of a drawing, and the height that each score has in it."""

UP_TO_ONE = ("precision", "recall", "density", "coverage")
"""Scores whose drawing goes from 0 to 1 at least."""

DRAWING = "from 0; ± 2 standard errors; dotted: real"
HOW = "<p>{first} <code>ganache evaluate {folder}</code> measures it; the report made after that shows it here.</p>"


def scores(runs: Sequence[RunSummary]) -> str:
    """Each score in a row, each evaluation in a column; where there is none, how to come by one."""
    shown = [(place, run, each) for place, run in enumerate(runs) for each in run.evaluations]
    lacking = [
        HOW.format(first=f"{escape(run.name)} has not been evaluated yet.", folder=escape(str(run.folder)))
        for run in runs
        if not run.evaluations
    ]
    if not shown:
        return "\n".join(lacking)
    names = list(dict.fromkeys(score.name for *_, evaluation in shown for score in evaluation.scores))
    head = ["score", "better", *(heading(*each) for each in shown), "real pictures", DRAWING]
    colours = [place for place, *_ in shown]
    rows = [row(name, [found(evaluation, name) for *_, evaluation in shown], colours) for name in names]
    notes = "\n".join(
        f"<details><summary>How it was measured: {escape(run.name)}, {which(each)}</summary><pre>"
        f"{escape(each.protocol_in_words())}</pre></details>"
        for _, run, each in shown
    )
    return "\n".join([warning([each for *_, each in shown]), table(head, rows, "scores"), *lacking, notes])


def heading(place: int, run: RunSummary, evaluation: Evaluation) -> str:
    """What stands above an evaluation's column."""
    return f"{chip(place, run)}<br>{which(evaluation)}"


def which(evaluation: Evaluation) -> str:
    made = evaluation.protocol
    at = "" if made.step is None else f"step {made.step:,}, "
    return f"{at}{escape(made.features)} features, n = {made.generated:,}"


def warning(evaluations: Sequence[Evaluation]) -> str:
    """What to say where the numbers of different columns are not to be compared."""
    ways = {(p.features_hash, p.generated, p.real, p.data_fingerprint) for p in (each.protocol for each in evaluations)}
    if len(ways) == 1:
        return ""
    return (
        '<p class="notice">Not all of these were measured in the same way (features, number of pictures, or data): '
        "compare only columns whose headings agree.</p>"
    )


def found(evaluation: Evaluation, name: str) -> Score | None:
    try:
        return evaluation[name]
    except KeyError:
        return None


def row(name: str, of_runs: Sequence[Score | None], colours: Sequence[int]) -> list[str]:
    """A score's cells."""
    there = [score for score in of_runs if score is not None]
    reals = [score.real for score in there if score.real is not None]
    values = ["" if score is None else with_error(score.value, score.error) for score in of_runs]
    called = f'{escape(name.replace("_", " "))}<br><span class="soft">{escape(MEANINGS.get(name, ""))}</span>'
    real = number(reals[0]) if reals else ""
    return [called, there[0].better, *values, real, drawing(name, of_runs, colours, reals[0] if reals else None)]


def with_error(value: float, error: float) -> str:
    """The error to two digits, and the value as far as that goes.

    >>> with_error(7.6864, 0.2173).replace("&nbsp;", " "), with_error(1234.5, 30.4).replace("&nbsp;", " ")
    ('7.69 ± 0.22', '1234 ± 30')
    """
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return f"{number(value)}&nbsp;±&nbsp;{number(error)}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{digits}f}&nbsp;±&nbsp;{error:.{digits}f}"


def drawing(name: str, of_runs: Sequence[Score | None], colours: Sequence[int], real: float | None) -> str:
    """A dot with its error bar for each evaluation, on a line from 0; a mark where real pictures are."""
    bars = [
        (place, colour, score.value, 2 * score.error)
        for place, (score, colour) in enumerate(zip(of_runs, colours, strict=True))
        if score is not None and math.isfinite(score.value) and math.isfinite(score.error)
    ]
    ends = [0.0, float(name in UP_TO_ONE), *([] if real is None else [real])]
    ends += [end for *_, value, error in bars for end in (value - error, value + error)]
    least, most = min(ends), max(ends)
    scale = (WIDTH - 12) / ((most - least) or 1.0)
    height = ROW * len(of_runs) + 4

    def x(value: float) -> str:
        return f"{6 + (value - least) * scale:.1f}"

    parts = [f'<line class="axis" x1="{x(0)}" x2="{x(0)}" y1="0" y2="{height}"/>']
    if real is not None:
        parts.append(f'<line class="real" x1="{x(real)}" x2="{x(real)}" y1="0" y2="{height}"/>')
    for place, colour, value, error in bars:
        y = ROW * (place + 0.5) + 2
        parts.append(
            f'<g class="r{colour}"><line x1="{x(value - error)}" x2="{x(value + error)}" y1="{y}" y2="{y}"/>'
            f'<circle cx="{x(value)}" cy="{y}" r="4"/></g>'
        )
    box = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return f'<svg class="bars" {box} aria-hidden="true">{"".join(parts)}</svg>'
