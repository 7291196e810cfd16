"""The pictures of the fixed latents through training, behind one slider for all runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ganache.figures.frames import open_frame
from ganache.figures.page import image_url
from ganache.figures.pictures import evenly
from ganache.output.report.summary import RunSummary

MAX_FRAMES = 40
"""Pictures per run, so that the page stays small enough for a phone."""

MAX_SIDE = 640
"""Pixels; larger pictures are reduced."""


def frames(runs: Sequence[RunSummary]) -> list[dict[str, Any]]:
    """Return, per run, `steps` in ascending order and `pictures`, a data URL per step; damaged files are left out."""
    found = [{step: reduced_url(run.samples[step]) for step in evenly(list(run.samples), MAX_FRAMES)} for run in runs]
    shown = [{step: url for step, url in of_run.items() if url} for of_run in found]
    return [{"steps": list(of_run), "pictures": list(of_run.values())} for of_run in shown]


def reduced_url(path: Path) -> str:
    """Return a picture file as a data URL, reduced to at most MAX_SIDE pixels; empty if it holds no picture."""
    picture = open_frame(path)
    if picture is None:
        return ""
    picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return image_url(picture, quality=82)
