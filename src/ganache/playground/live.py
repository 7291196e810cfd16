"""The state of a run in training, read from its folder at intervals. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganache.core import storage
from ganache.core.images import evenly_spaced
from ganache.errors import GanacheError
from ganache.runs.diagnose import describe_probes, findings
from ganache.runs.folder import checkpoints, read_config, samples
from ganache.runs.log import read, step_lines

MAX_POINTS = 300
"""Points of a curve; a screen shows no more."""
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
        """Return (the state of the run, its latest samples as PNG), or None if nothing changed since the last call."""
        log, pictures = self.folder / "log.jsonl", samples(self.folder)
        saved = checkpoints(self.folder)
        newest = pictures[-1] if pictures else None
        state = (log.stat().st_size if log.exists() else 0, newest, [path.name for path in saved])
        if state == self.last:
            return None
        self.last = state
        report = {**state_of(self.folder), "steps": [int(path.stem) for path in saved]}
        if newest is None:
            return report, []
        return {**report, "sampled": int(newest.stem)}, [storage.read_bytes(newest)]


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
    if blank_scores and points[PROBE_CURVES["score"]]:  # relative to the score of blank images of the mean colour
        points[PROBE_CURVES["score"]] = [
            (step, value / blank_scores[-1]) for step, value in points[PROBE_CURVES["score"]]
        ]
    return {name: thinned(curve) for name, curve in points.items() if curve}


def thinned(curve: Curve) -> Curve:
    """Return at most MAX_POINTS of the curve, evenly spaced, with the first and the last."""
    return [(curve[index][0], round(float(curve[index][1]), 5)) for index in evenly_spaced(len(curve), MAX_POINTS)]
