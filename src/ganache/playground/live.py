"""A run in training as a page sees it: what its folder says, read now and then. Nothing is written, nothing asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganache.core.images import evenly_spaced
from ganache.errors import GanacheError
from ganache.runs.diagnose import describe_probes, findings
from ganache.runs.folder import checkpoints, read_config
from ganache.runs.log import read, step_lines

POINTS = 300
"""Of a curve: more than a screen shows."""
LOOKS = {"score": "distance to the data", "variety": "variety", "coverage": "kinds covered", "critic_auc": "told apart"}
"""Of a look's numbers those that are drawn, and what the page calls them."""

PACE = ("step", "images", "seconds", "images_per_second")

Curve = list[tuple[int, float]]


class Live:
    """What there is to tell of a run, when something is new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: Any = None

    def news(self) -> tuple[dict[str, Any], list[bytes]] | None:
        """The run as it stands, and its latest samples; None where nothing has changed since it was last asked."""
        log, samples = self.folder / "log.jsonl", sorted((self.folder / "samples").glob("[0-9]*.png"))
        marks = checkpoints(self.folder)
        newest = samples[-1] if samples else None
        state = (log.stat().st_size if log.exists() else 0, newest, [path.name for path in marks])
        if state == self.seen:
            return None
        self.seen = state
        told = {**told_of(self.folder), "steps": [int(path.stem) for path in marks]}
        if newest is None:
            return told, []
        return {**told, "sampled": int(newest.stem)}, [newest.read_bytes()]


def told_of(folder: Path) -> dict[str, Any]:
    """The log in numbers and words."""
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
    """Losses of both networks, and what looks measured, each (step, value) thinned to what a screen shows."""
    found: dict[str, Curve] = {
        "critic loss": [(line["step"], sum(line["d"].values())) for line in lines],
        "generator loss": [(line["step"], sum(line["g"].values())) for line in lines if "g" in line],
    }
    looks = [line["probe"] for line in lines if line.get("probe")]
    for name, words in LOOKS.items():
        found[words] = [(look["step"], look[name]) for look in looks if look.get(name) is not None]
    blanks = [look["blank_score"] for look in looks if look.get("blank_score") is not None]
    if blanks and found[LOOKS["score"]]:  # as a share of what knowing nothing but the mean colour would score
        found[LOOKS["score"]] = [(step, value / blanks[-1]) for step, value in found[LOOKS["score"]]]
    return {name: thinned(curve) for name, curve in found.items() if curve}


def thinned(curve: Curve) -> Curve:
    """At most POINTS of it, the first and the last among them."""
    return [(curve[place][0], round(float(curve[place][1]), 5)) for place in evenly_spaced(len(curve), POINTS)]
