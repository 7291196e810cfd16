"""How the page calls a run: by its name, in its colour."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ganache.output.report.reading import RunSummary


def chip(place: int, run: RunSummary) -> str:
    return f'<span class="chip r{place}">{escape(run.name)}</span>'


def chips(runs: Sequence[RunSummary]) -> list[str]:
    return [chip(place, run) for place, run in enumerate(runs)]


def heading(place: int, run: RunSummary) -> str:
    return f"<h3>{chip(place, run)}</h3>\n"
