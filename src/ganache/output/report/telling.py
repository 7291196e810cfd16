"""What is to be said of runs: findings, notices, and which checkpoint to take."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from html import escape

from ganache.figures.page import table
from ganache.output.report.chips import chip, heading
from ganache.output.report.reading import RunSummary
from ganache.runs.diagnose import Finding, findings, looks_told, trust


def told_findings(runs: Sequence[RunSummary]) -> str:
    """Of each run what is wrong with it, by what one sees it, and what to try."""
    return "\n".join(of_run(place, run, alone=len(runs) == 1) for place, run in enumerate(runs))


def of_run(place: int, run: RunSummary, alone: bool) -> str:
    found, loss = findings(run.log), trust(run.log)
    above = "" if alone else heading(place, run)
    parts = [item(finding) for finding in found]
    if not found:
        parts.append("<p>Nothing is wrong, as far as one can see.</p>")
    if loss is not None:
        parts.append(item(loss))
    parts += [f"<p>At step {line['step']:,}: {escape(line['notice'])}</p>" for line in run.log if "notice" in line]
    return above + "\n".join(parts) + f'\n<p class="soft">Looks at the run: {escape(looks_told(run.log))}</p>'


def item(finding: Finding) -> str:
    kind = f'<span class="verdict {finding.severity}">{finding.severity}</span>'
    said = f"<p>{kind} <b>{escape(finding.sentence)}</b></p>"
    return f"{said}\n<p>Seen: {escape(finding.evidence)}<br>Try: {escape(finding.advice)}</p>"


def told_checkpoints(runs: Sequence[RunSummary]) -> str:
    """The checkpoints that are there, the best marked, and how to look at it."""
    rows, ways = [], []
    for place, run in enumerate(runs):
        for path, header in run.headers.items():
            score = header.get("score")
            told = "–" if score is None else f"{score:.1f}"
            best = "<b>best</b>" if path == run.best and score is not None else ""
            rows.append([chip(place, run), f"{header['step']:,}", told, best, f"<code>{escape(str(path))}</code>"])
        if run.best is not None:
            ways.append(shlex.join(["ganache", "sample", f"{run.folder}@{run.headers[run.best]['step']}"]))
    if not rows:
        return "<p>No checkpoint has been saved yet.</p>"
    words = "The score is the distance of patches of 256 generated pictures to those of 256 real ones; lower is better."
    again = "".join(f"<pre>{escape(way)}</pre>" for way in ways)
    return f"<p>{words}</p>\n{table(['run', 'step', 'score', '', 'file'], rows)}\n<p>More pictures of it:</p>\n{again}"
