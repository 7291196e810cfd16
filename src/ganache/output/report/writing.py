"""The parts of the page -> one file."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

from ganache.errors import ConfigError
from ganache.figures.page import document, refuse_unless_ours
from ganache.output.report.curves import charts
from ganache.output.report.nearest import nearest
from ganache.output.report.pictures import frames, through_training
from ganache.output.report.reading import RunSummary, told
from ganache.output.report.scoring import scores
from ganache.output.report.settings import overview, settings
from ganache.output.report.telling import told_checkpoints, told_findings

MOST = 8
"""Runs on a page: there are so many colours."""

CURVES = """<div class="controls" id="curve-controls"></div>
<p class="soft">Drag over a part to see it larger; double-click or press Escape for the whole. With the keyboard: arrows
move the reading, + and - make it larger and smaller.</p>
<div id="charts"><noscript><p>The curves need JavaScript, which is off.</p></noscript></div>
<p id="spoken" class="unseen" aria-live="polite"></p>"""

NOT_ASKED = "<p>Not looked for, as it was asked (--no-neighbours).</p>"


def write_report(
    folders: Sequence[str | Path],
    out: str | Path,
    data: str | None = None,
    *,
    neighbours: bool = True,
    progress: bool = False,
) -> Path:
    """One page of the runs in these folders, to the file `out`, which is returned.

    `data`: where the training pictures are, by default where the runs found them; `neighbours` = False leaves those
    nearest to samples out, which takes longest. Raises CheckpointError where a folder is no run, ConfigError where
    `out` is somebody else's file.
    """
    if not 1 <= len(folders) <= MOST:
        raise ConfigError(f"{len(folders)} runs were named: a report shows from 1 to {MOST}.")
    path = Path(out)
    refuse_unless_ours(path)
    runs = told(folders)
    shown = frames(runs)
    parts = {
        "Findings": told_findings(runs),
        "Pictures through training": through_training(runs, shown),
        "Scores": scores(runs),
        "Curves": CURVES,
        "Checkpoints": told_checkpoints(runs),
        "Nearest training pictures": nearest(runs, data, progress) if neighbours else NOT_ASKED,
        "Settings": settings(runs),
    }
    here = Path(__file__)
    page = document(
        title(runs),
        body(runs, parts),
        style=here.with_name("report.css").read_text(encoding="utf-8"),
        script="".join(here.with_name(name).read_text(encoding="utf-8") for name in ("chart.js", "report.js")),
        data={"runs": [run.name for run in runs], "charts": charts(runs), "frames": shown},
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def title(runs: Sequence[RunSummary]) -> str:
    names = [run.name for run in runs]
    return f"Report on {names[0]}" if len(runs) == 1 else f"Report on {', '.join(names[:-1])} and {names[-1]}"


def body(runs: Sequence[RunSummary], parts: dict[str, str]) -> str:
    """The headings, the way to them, and what stands below each."""
    named = [(heading.lower().replace(" ", "-"), heading, content) for heading, content in parts.items()]
    links = " ".join(f'<a href="#{anchor}">{heading}</a>' for anchor, heading, _ in named)
    sections = "\n".join(
        f'<section id="{anchor}"><h2>{heading}</h2>\n{content}\n</section>' for anchor, heading, content in named
    )
    header = f"<header><h1>{escape(title(runs))}</h1>\n{overview(runs)}\n<nav>{links}</nav></header>"
    return f"{header}\n<main>{sections}</main>"
