"""The sections of the report, rendered into one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from ganache.core.outputs import refuse_to_replace
from ganache.core.progress import Bar
from ganache.core.progress import bar as progress_bar
from ganache.core.storage import write_text
from ganache.core.wording import page_of_points
from ganache.errors import ConfigError
from ganache.figures.page import environment, render
from ganache.output.report.curves import charts
from ganache.output.report.findings import collect_findings
from ganache.output.report.neighbours import find_neighbours
from ganache.output.report.samples import frames
from ganache.output.report.scores import scores_of
from ganache.output.report.settings import compare_settings, overview
from ganache.output.report.summary import RunSummary, summarize_runs
from ganache.output.same_data import warning

T = TypeVar("T")

MAX_RUNS = 8
"""Runs per page: there are this many colours."""

SECTIONS = {
    "findings": "Findings",
    "samples": "Pictures through training",
    "scores": "Scores",
    "curves": "Curves",
    "checkpoints": "Checkpoints",
    "neighbours": "Nearest training pictures",
    "settings": "Settings",
}
"""Template and anchor -> heading, in the order of the page."""

SCRIPTS = ("chart.js", "report.js")


def write_report(
    folders: Sequence[str | Path],
    out: str | Path,
    data: str | None = None,
    *,
    neighbours: bool = True,
    progress: bool = False,
) -> Path:
    """Write one page about the runs in these folders.

    Args:
        folders: From 1 to 8 folders of runs.
        out: The file to write.
        data: Where the training pictures are; by default where the runs found them.
        neighbours: Whether to find the training pictures nearest to samples, which takes the longest.
        progress: Whether to show a progress bar.

    Returns:
        The path of the page.

    Raises:
        CheckpointError: A folder is not a run.
        ConfigError: `out` is a file that ganache did not write, or there are too many runs.
    """
    if not 1 <= len(folders) <= MAX_RUNS:
        raise ConfigError(f"{len(folders)} runs were named, and a report shows from 1 to {MAX_RUNS}: name fewer.")
    path = Path(out)
    refuse_to_replace(path)
    runs = summarize_runs(folders)
    steps = (2 if neighbours else 1) * len(runs) + 1
    with progress_bar(total=steps, desc="making the report", unit="part", shown=progress) as bar:
        moments = [counted(bar, frames(run, len(runs))) for run in runs]
        page = rendered(runs, moments, data, neighbours, progress, bar)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page)
    return path


def rendered(
    runs: Sequence[RunSummary], moments: list[Any], data: str | None, neighbours: bool, progress: bool, bar: Bar
) -> str:
    """Return the page; the arguments are those of `write_report`, `moments` the frames, `bar` counts the parts."""
    near = [counted(bar, find_neighbours(run, data, progress)) for run in runs] if neighbours else None
    page = render(
        environment("ganache.output.report").get_template("report.html"),
        title(runs),
        read_text("report.css"),
        "".join(map(read_text, SCRIPTS)),
        data={"runs": [run.name for run in runs], "frames": moments} | charts(runs),
        sections=SECTIONS,
        runs=runs,
        overview=overview(runs),
        findings=collect_findings(runs),
        frames=moments,
        scores=scores_of(runs),
        neighbours=near,
        different_data=warning(run.data_key for run in runs),
        settings=compare_settings(runs),
    )
    if all(run.makes_points for run in runs):
        page = page_of_points(page)
    bar.update()
    return page


def counted(bar: Bar, part: T) -> T:
    """Return a part of the page that was made, and count it."""
    bar.update()
    return part


def title(runs: Sequence[RunSummary]) -> str:
    """Return the page's heading, which names the runs."""
    names = [run.name for run in runs]
    return f"Report on {names[0]}" if len(runs) == 1 else f"Report on {', '.join(names[:-1])} and {names[-1]}"


def read_text(name: str) -> str:
    """Return a style or script file of this folder."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
