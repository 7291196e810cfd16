"""The fixed latents' pictures through training, behind one slider for all runs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from PIL import Image

from ganache.figures.page import of_picture
from ganache.figures.pictures import evenly
from ganache.output.report.chips import chip
from ganache.output.report.reading import RunSummary

MOST = 40
"""Pictures of a run: a page of megabytes still opens on a phone."""

SIDE = 640
"""Pixels; larger pictures are reduced."""

CONTROLS = """<div class="controls">
<button type="button" id="play" aria-pressed="false">Play</button>
<label class="long">step <output id="moment">{last}</output>
<input type="range" id="slider" min="0" max="{most}" value="{most}" step="1"></label>
</div>"""

FIGURE = """<figure><img class="sample" id="sample{place}" alt="{alt}" src="{address}">
<figcaption>{chip} <span id="shown{place}">{shown}</span></figcaption></figure>"""


def frames(runs: Sequence[RunSummary]) -> list[dict[str, Any]]:
    """Of each run the steps, ascending, and the picture at each."""
    return [
        {"steps": steps, "pictures": [reduced(run.samples[step]) for step in steps]}
        for run in runs
        for steps in [evenly(list(run.samples), MOST)]
    ]


def reduced(path: Path) -> str:
    """A picture's file, made smaller, as an address."""
    with Image.open(path) as file:
        picture = file.convert("RGB")
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return of_picture(picture, quality=82)


def through_training(runs: Sequence[RunSummary], every: Sequence[dict[str, Any]]) -> str:
    """The last pictures of each run, and the slider that shows the others."""
    steps = sorted({step for each in every for step in each["steps"]})
    if not steps:
        return "<p>No picture has been saved yet.</p>"
    figures = [
        FIGURE.format(
            place=place,
            chip=chip(place, run),
            shown=f"step {each['steps'][-1]:,}",
            alt=escape(f"Pictures of {run.name} at step {each['steps'][-1]}"),
            address=each["pictures"][-1],
        )
        for place, (run, each) in enumerate(zip(runs, every, strict=True))
        if each["steps"]
    ]
    controls = CONTROLS.format(most=len(steps) - 1, last=f"{steps[-1]:,}")
    said = "<p>The same latents at each step, by each run's own generator.</p>"
    return f'{said}\n{controls}\n<div class="abreast">{"".join(figures)}</div>'
