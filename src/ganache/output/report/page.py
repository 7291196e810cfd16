"""The sections of the report, rendered into one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ganache.core.outputs import refuse_to_replace
from ganache.core.storage import write_text
from ganache.core.wording import page_of_points
from ganache.errors import ConfigError
from ganache.figures.page import environment, render
from ganache.output.report.curves import charts
from ganache.output.report.findings import collect_findings
from ganache.output.report.neighbours import find_neighbours
from ganache.output.report.samples import frames
from ganache.output.report.scores import score_table
from ganache.output.report.settings import compare_settings, overview
from ganache.output.report.summary import RunSummary, summarize_runs

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
    moments = frames(runs)
    page = render(
        environment("ganache.output.report").get_template("report.html"),
        title(runs),
        read_text("report.css"),
        "".join(map(read_text, SCRIPTS)),
        data={"runs": [run.name for run in runs], "charts": charts(runs), "frames": moments},
        sections=SECTIONS,
        runs=runs,
        overview=overview(runs),
        findings=collect_findings(runs),
        frames=moments,
        scores=score_table(runs),
        neighbours=find_neighbours(runs, data, progress) if neighbours else None,
        settings=compare_settings(runs),
    )
    if all(run.makes_points for run in runs):
        page = page_of_points(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, page)
    return path


def title(runs: Sequence[RunSummary]) -> str:
    """Return the page's heading, which names the runs."""
    names = [run.name for run in runs]
    return f"Report on {names[0]}" if len(runs) == 1 else f"Report on {', '.join(names[:-1])} and {names[-1]}"


def read_text(name: str) -> str:
    """Return a style or script file of this folder."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
