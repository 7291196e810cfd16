"""The state of a run in training, read from its folder at intervals. Nothing is written."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ganache.core import storage
from ganache.core.images import evenly_spaced
from ganache.data import TOYS
from ganache.errors import ConfigError, GanacheError
from ganache.runs.diagnose import describe_probes, findings
from ganache.runs.diagnose.history import History
from ganache.runs.folder import checkpoints, read_config, samples
from ganache.runs.log import read, step_lines

MAX_POINTS = 300
"""Points of a curve; a screen shows no more."""
MAX_SAMPLES = 200
"""Samples that the page offers, evenly spaced, with the first and the last."""
MAX_PICTURE, MAX_PIXELS = 2**26, 2**26
"""Bytes and pixels of a picture of samples."""
RECENT = 20
"""Lines of the log from which the time left is estimated."""
PROBE_CURVES = {
    "score": "distance to the data",
    "variety": "variety",
    "coverage": "kinds covered",
    "perceptual_coverage": "kinds covered",
    "perceptual_precision": "look real",
    "modes_found": "modes found",
    "near_modes": "points near one",
}
"""The measurements of probes that are drawn, with their names on the page; of two of one name, the later if known."""

Curve = list[tuple[int, float]]
State = dict[str, Any]


class RunMonitor:
    """Reads the state of a run when its folder has changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.last: Any = None

    def news(self) -> State | None:
        """Return the state of the run, or None if nothing changed since the last call.

        A part that cannot be read is left out. Raises OSError or GanacheError if the log cannot be read.
        """
        pictures, saved = files_of(samples, self.folder), files_of(checkpoints, self.folder)
        files = [self.folder / "log.jsonl", self.folder / "samples.png", *pictures[-1:], *saved]
        state = [(path, identity(path)) for path in files]
        if state == self.last:
            return None
        steps = [int(path.stem) for path in saved]
        sampled = [int(pictures[index].stem) for index in evenly_spaced(len(pictures), MAX_SAMPLES)] if pictures else []
        report = {**state_of(self.folder, steps), "steps": steps, "sampled": sampled}
        self.last = state
        return report


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


def samples_of_step(folder: Path, step: int) -> bytes:
    """Return the samples of a step as PNG. Raises ConfigError if there are none, or if they cannot be shown."""
    found = {int(path.stem): path for path in files_of(samples, folder)}
    content = readable_picture(found[step]) if step in found else None
    if content is None:
        raise ConfigError(f"The samples of step {step:,} cannot be shown: choose another step.")
    return content


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


def state_of(folder: Path, saved: Sequence[int] = ()) -> State:
    """Return progress, curves, findings, verdict and notices as plain data; `saved`: the steps of its checkpoints."""
    log = read(folder / "log.jsonl")
    lines = step_lines(log)
    try:
        config: Mapping[str, Any] = read_config(folder) or {}
        schedule, probe, source = config.get("schedule", {}), config.get("probe", {}), config["data"].get("source")
    except (GanacheError, KeyError):
        schedule, probe, source = {}, {}, None
    names = ("step", "images", "seconds", "images_per_second")
    finished = is_finished(folder, schedule, max(saved, default=0))
    found = [finding.to_json() for finding in findings(log)]
    return {
        "budget": schedule.get("steps"),
        "points": isinstance(source, str) and source in TOYS,
        "last": {name: lines[-1][name] for name in names} if lines else None,
        **progress(lines, schedule, finished),
        "quiet": quiet_seconds(folder),
        "curves": curves(lines),
        "findings": found,
        "verdict": None if found else verdict(log, finished, off=probe.get("share") == 0),
        "notices": [{"step": line["step"], "words": line["notice"]} for line in log if "notice" in line][-20:],
    }


def is_finished(folder: Path, schedule: Mapping[str, Any], saved: int) -> bool:
    """Whether the run has ended by itself: its last step is saved, or `samples.png` is newer than the log."""
    if isinstance(schedule.get("steps"), int) and saved >= schedule["steps"]:
        return True
    try:
        return (folder / "samples.png").stat().st_mtime_ns >= (folder / "log.jsonl").stat().st_mtime_ns
    except OSError:
        return False


def quiet_seconds(folder: Path) -> float:
    """Return how long the log has not changed; 0 without a log."""
    try:
        return max(0.0, round(time.time() - (folder / "log.jsonl").stat().st_mtime, 1))
    except OSError:
        return 0.0


def progress(lines: Sequence[Mapping[str, Any]], schedule: Mapping[str, Any], finished: bool) -> State:
    """Return whether the run is finished, its share of the budget, and the seconds left at the recent speed.

    Share and time are None without a log or a budget.
    """
    if finished or not lines:
        return {"finished": finished, "share": 1.0 if finished else None, "left": None}
    budgets = {"step": schedule.get("steps"), "images": schedule.get("images"), "seconds": schedule.get("minutes")}
    for name, budget in budgets.items():
        if isinstance(budget, (int, float)) and budget > 0:
            total = budget * (60 if name == "seconds" else 1)
            first, last = lines[max(0, len(lines) - RECENT)], lines[-1]
            done = last[name] - first[name]
            each = (last["seconds"] - first["seconds"]) / done if done > 0 else last["seconds"] / max(last[name], 1)
            share = min(1.0, last[name] / total)
            return {"finished": False, "share": round(share, 4), "left": round((1 - share) * total * each, 1)}
    return {"finished": False, "share": None, "left": None}


def verdict(log: Sequence[Mapping[str, Any]], finished: bool, off: bool) -> State:
    """Return what can be said of a run without findings, and whether it could be judged; `off`: it is not probed."""
    history = History.from_log(log)
    more = describe_probes(log) if history.probes else ""
    if not history.is_early:
        return {"judged": True, "words": "No problem was found.", "more": more}
    if off:
        words = "Nothing is checked: --probe.share is 0."
    elif finished:
        words = "The run was too short to judge."
    else:
        early = "Too early to judge; more checks follow.", "Too early to judge; first check soon."
        words = early[not history.probes]
    return {"judged": False, "words": words, "more": more}


def curves(lines: Sequence[dict[str, Any]]) -> dict[str, Curve]:
    """Return the losses and the measurements of probes as curves (step, value), thinned to MAX_POINTS."""
    points: dict[str, Curve] = {
        "critic loss": [(line["step"], sum(line["d"].values())) for line in lines],
        "generator loss": [(line["step"], sum(line["g"].values())) for line in lines if "g" in line],
    }
    probes = [line["probe"] for line in lines if line.get("probe")]
    for name, words in PROBE_CURVES.items():
        measured = [(probe["step"], probe[name]) for probe in probes if probe.get(name) is not None]
        points[words] = measured or points.get(words, [])
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
