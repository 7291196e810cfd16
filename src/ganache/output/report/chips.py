"""How the page calls a run: by its name, in its colour."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ganache.output.report.reading import Told


def chip(place: int, run: Told) -> str:
    return f'<span class="chip r{place}">{escape(run.name)}</span>'


def chips(runs: Sequence[Told]) -> list[str]:
    return [chip(place, run) for place, run in enumerate(runs)]


def heading(place: int, run: Told) -> str:
    return f"<h3>{chip(place, run)}</h3>\n"
