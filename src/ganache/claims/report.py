"""One HTML page of every verdict in a folder: no network, pictures inside, light and dark, wide and narrow screens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganache.claims import discussions
from ganache.claims.stored import StoredVerdict, figures, read_verdicts
from ganache.core.storage import write_text
from ganache.figures.page import data_url, environment, render

OUTCOMES = {"holds": "holds", "fails": "fails", "not decided": "undecided", "under-trained": "untrained"}
"""Outcome -> its class in the page's style."""

STYLE = """
.picture { overflow-x: auto; background: #fff; border-radius: .4rem; margin: .6rem 0; }
.picture img { display: block; width: 100%; min-width: 32rem; }
.verdict { font-weight: 700; padding: .15rem .6rem; border-radius: 1rem; color: #fff; white-space: nowrap; }
.holds { background: #00714f; } .fails { background: #a63f00; } .undecided { background: #666; }
.untrained { background: #fff; color: #555; box-shadow: inset 0 0 0 1px #888; }
.bars { display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; align-items: center; }
tbody th { font-weight: inherit; }
"""


def write(out: Path, verdicts: Sequence[StoredVerdict] | None = None) -> Path:
    """Write `report.html` in the folder `out`, by default from every verdict in it. Returns its path."""
    verdicts = read_verdicts(out)[0] if verdicts is None else verdicts
    written = discussions.read(out)
    page = render(
        environment("ganache.claims").get_template("claims.html"),
        "The claims and their verdicts",
        STYLE,
        claims=[vars(verdict) | extras(verdict, out / verdict.name, written) for verdict in verdicts],
        any_quick=any(verdict.quick for verdict in verdicts),
    )
    path = out / "report.html"
    write_text(path, page)
    return path


def extras(verdict: StoredVerdict, folder: Path, written: dict[str, list[str]]) -> dict[str, Any]:
    """Return what the page shows of a verdict beside its own fields."""
    return {
        "outcome_class": OUTCOMES[verdict.outcome],
        "training": min((control.progress for control in verdict.controls), default=None),
        "power": min(verdict.seeds / verdict.seeds_needed, 1.0) if verdict.seeds_needed else 0.0,
        "figures": [
            {"name": name, "url": data_url(content, name.rpartition(".")[2])}
            for name, content in figures(verdict, folder)
        ],
        "discussion": written.get(verdict.name, []),
        "columns": list(dict.fromkeys(name for row in verdict.summary for name in row)),
    }
