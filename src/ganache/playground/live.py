"""The state of a run in training, read from its folder at intervals. Nothing is written."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ganache.core import storage
from ganache.core.images import evenly_spaced
from ganache.errors import GanacheError
from ganache.runs.diagnose import describe_probes, findings
from ganache.runs.folder import checkpoints, read_config, samples
from ganache.runs.log import read, step_lines

MAX_POINTS = 300
"""Points of a curve; a screen shows no more."""
MAX_PICTURE, MAX_PIXELS = 2**26, 2**26
"""Bytes and pixels of a picture of samples."""
PROBE_CURVES = {
    "score": "distance to the data",
    "variety": "variety",
    "coverage": "kinds covered",
    "critic_auc": "critic AUC",
}
"""The measurements of probes that are drawn, with their names on the page."""

Curve = list[tuple[int, float]]


class RunMonitor:
    """Reads the state of a run when its folder has changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.last: Any = None

    def news(self) -> tuple[dict[str, Any], list[bytes]] | None:
        """Return (the state of the run, its latest samples as PNG), or None if nothing changed since the last call.

        A part that cannot be read is left out. Raises OSError or GanacheError if the log cannot be read.
        """
        pictures, saved = files_of(samples, self.folder), files_of(checkpoints, self.folder)
        state = [(path, identity(path)) for path in (self.folder / "log.jsonl", *pictures[-1:], *saved)]
        if state == self.last:
            return None
        report = {**state_of(self.folder), "steps": [int(path.stem) for path in saved]}
        picture = readable_picture(pictures[-1]) if pictures else None
        self.last = state
        if picture is None:
            return report, []
        return {**report, "sampled": int(pictures[-1].stem)}, [picture]


def files_of(find: Callable[[Path], list[Path]], folder: Path) -> list[Path]:
    """Return the files that `find` finds in a run; none if they cannot be read."""
    try:
        return find(folder)
    except GanacheError:
        return []


def identity(path: Path) -> tuple[int, ...]:
    """Return what tells a file from others of its name, and from itself at another time."""
    try:
        found = path.lstat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def readable_picture(path: Path) -> bytes | None:
    """Return the bytes of a PNG; None if the file is something else, is damaged, or would cost the browser too much."""
    try:
        content = storage.read_bytes(path, MAX_PICTURE)
        with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
            large = image.width * image.height > MAX_PIXELS
            image.verify()
    except Exception:  # decoders raise anything
        return None
    return None if large else content


def state_of(folder: Path) -> dict[str, Any]:
    """Return the log's last step, curves, findings, probes and notices as plain data."""
    log = read(folder / "log.jsonl")
    lines = step_lines(log)
    try:
        schedule: dict[str, Any] = (read_config(folder) or {}).get("schedule", {})
    except GanacheError:
        schedule = {}
    return {
        "budget": schedule.get("steps"),
        "last": {name: lines[-1][name] for name in ("step", "images", "seconds", "images_per_second")}
        if lines
        else None,
        "curves": curves(lines),
        "findings": [finding.to_json() for finding in findings(log)],
        "looks": describe_probes(log),
        "notices": [{"step": line["step"], "words": line["notice"]} for line in log if "notice" in line][-20:],
    }


def curves(lines: Sequence[dict[str, Any]]) -> dict[str, Curve]:
    """Return the losses and the measurements of probes as curves (step, value), thinned to MAX_POINTS."""
    points: dict[str, Curve] = {
        "critic loss": [(line["step"], sum(line["d"].values())) for line in lines],
        "generator loss": [(line["step"], sum(line["g"].values())) for line in lines if "g" in line],
    }
    probes = [line["probe"] for line in lines if line.get("probe")]
    for name, words in PROBE_CURVES.items():
        points[words] = [(probe["step"], probe[name]) for probe in probes if probe.get(name) is not None]
    blank_scores = [probe["blank_score"] for probe in probes if probe.get("blank_score") is not None]
    if (
        any(blank_scores[-1:]) and points[PROBE_CURVES["score"]]
    ):  # relative to the score of blank images of the mean colour
        points[PROBE_CURVES["score"]] = [
            (step, value / blank_scores[-1]) for step, value in points[PROBE_CURVES["score"]]
        ]
    return {name: thinned(curve) for name, curve in points.items() if curve}


def thinned(curve: Curve) -> Curve:
    """Return at most MAX_POINTS of the curve, evenly spaced, with the first and the last."""
    return [(curve[index][0], round(float(curve[index][1]), 5)) for index in evenly_spaced(len(curve), MAX_POINTS)]
