"""The pictures of the fixed latents through training, behind one slider for all runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from ganache.figures.frames import open_frame
from ganache.figures.page import image_url, small_url
from ganache.figures.pictures import evenly
from ganache.output.report.summary import RunSummary

MAX_FRAMES, MIN_FRAMES = 36, 10
"""Pictures of all runs together, and at least of each run, so that the page stays small enough for a phone."""

MAX_SIDE = 640
"""Pixels; larger pictures are reduced."""

LAST, EARLIER = 85, 40
"""Quality of a run's last picture, which is looked at for long, and of those that the slider passes by."""


def frames(run: RunSummary, runs: int) -> dict[str, Any]:
    """Return `steps` in ascending order and `pictures`, a data URL per step; damaged files are left out.

    `runs`: the number of runs on the page.
    """
    steps = evenly(list(run.samples), max(MIN_FRAMES, MAX_FRAMES // runs))
    found = {step: reduced_url(run.samples[step], LAST if step == steps[-1] else EARLIER) for step in steps}
    shown = {step: url for step, url in found.items() if url}
    return {"steps": list(shown), "pictures": list(shown.values())}


def reduced_url(path: Path, quality: int) -> str:
    """Return a picture file as a data URL, reduced to at most MAX_SIDE pixels; empty if it holds no picture."""
    picture = open_frame(path)
    if picture is None:
        return ""
    picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return image_url(picture, quality) if quality >= LAST else small_url(picture, quality)
