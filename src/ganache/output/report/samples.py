"""The pictures of the fixed latents through training, behind one slider for all runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ganache.figures.page import image_url
from ganache.figures.pictures import evenly
from ganache.output.report.summary import RunSummary

MAX_FRAMES = 40
"""Pictures per run, so that the page stays small enough for a phone."""

MAX_SIDE = 640
"""Pixels; larger pictures are reduced."""


def frames(runs: Sequence[RunSummary]) -> list[dict[str, Any]]:
    """Return, per run, `steps` in ascending order and `pictures`, a data URL per step."""
    return [
        {"steps": steps, "pictures": [reduced_url(run.samples[step]) for step in steps]}
        for run in runs
        for steps in [evenly(list(run.samples), MAX_FRAMES)]
    ]


def reduced_url(path: Path) -> str:
    """Return a picture file as a data URL, reduced to at most MAX_SIDE pixels."""
    with Image.open(path) as file:
        picture = file.convert("RGB")
    picture.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    return image_url(picture, quality=82)
