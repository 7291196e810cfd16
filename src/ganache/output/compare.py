"""Comparison of runs: one table and one figure. Runs that differ only in their seed share a row."""

from __future__ import annotations

import itertools
import json
import statistics
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganache.core import checkpoint_file
from ganache.core.rendering import render
from ganache.core.strict import LARGEST
from ganache.core.wording import of_points
from ganache.errors import CheckpointError
from ganache.figures import Panel
from ganache.functional import latents
from ganache.output.same_data import data_key, data_name, warning
from ganache.runs.folder import at_step, checkpoints, find_checkpoint, read_evaluations, score_of
from ganache.runs.log import read, step_lines
from ganache.runs.log_lines import DAMAGED
from ganache.runs.models import load_model
from ganache.runs.settings import recorded_settings

EXPLANATION = "score: distance of 256 generated pictures to 256 real ones while training; lower is better."
PERCEPTUAL = "perceptual: distance in perceptual features at the last step (ganache evaluate); lower is better."
DISAGREE = "Note: score and perceptual order these rows differently: look at the samples before you choose."
LONGEST = 40
"""Characters of a row's name."""

SHOWN, SHOWN_POINTS = 25, 1_000
"""Pictures per panel of the figure, and points."""


@dataclass(frozen=True)
class Outcome:
    """The result of one run."""

    checkpoint: Path
    data: tuple[Hashable, ...]
    """What the scores depend on besides the generator: see `same_data`."""
    data_name: str
    makes_points: bool
    settings: str
    """All settings but seed, budget, device, record, probe and policy, as JSON: runs with equal ones share a row."""
    name: str
    """Name of the folder."""
    seed: int
    step: int
    images: int
    seconds: float
    score: float
    """Score of the last checkpoint; lower is better."""
    best: float
    perceptual: float | None
    """Distance in perceptual features at this step, if it was evaluated."""
    way: tuple[Hashable, ...]
    """How it was evaluated."""
    log: list[dict[str, Any]]
    notice: str
    """What is wrong with the log; "" if nothing is."""


def outcome(run: str | Path) -> Outcome:
    """Read RUN, up to its last checkpoint, or RUN@STEP. Raises CheckpointError if it is not a run, or lacks it."""
    folder, which = at_step(run)
    config = recorded_settings(folder)
    last = find_checkpoint(folder, which)
    header = checkpoint_file.read_header(last)
    if not header:
        raise CheckpointError(f"{last} is damaged: remove it, or restore it from a copy.")
    schedule = {k: v for k, v in config["schedule"].items() if k not in ("steps", "minutes", "images")}
    lines = read(folder / "log.jsonl")
    distance, way = perceptual_distance(folder, header["step"])
    same = {k: v for k, v in config.items() if k not in ("seed", "record", "probe", "policy", "schedule", "device")}
    return Outcome(
        checkpoint=last,
        data=data_key(config, header.get("image_shape", ())),
        data_name=data_name(config, header.get("image_shape", ())),
        makes_points=len(header.get("image_shape", ())) == 1,
        settings=json.dumps(same | {"schedule": schedule}, sort_keys=True),
        name=folder.resolve().name + ("" if which == "last" else f"@{which}"),
        seed=config["seed"],
        step=header["step"],
        images=header["batch_index"] * config["schedule"]["batch"],
        seconds=header["seconds"],
        score=score_of(last),
        best=min(score_of(path) for path in checkpoints(folder) if path <= last),
        perceptual=distance,
        way=way,
        log=[line for line in step_lines(lines) if line["step"] <= header["step"]],
        notice=lines[0]["notice"] if lines and lines[0].get("event") == DAMAGED else "",
    )


def perceptual_distance(folder: Path, step: int) -> tuple[float | None, tuple[Hashable, ...]]:
    """Return (distance, how it was evaluated) of a step by the evaluation of most pictures; (None, ()) without one.

    It is the distance in all layers; evaluations of earlier versions have that of the last layer alone.
    """
    found = [e for e in read_evaluations(folder) if (e.protocol.features, e.protocol.step) == ("perceptual", step)]
    if not found:
        return None, ()
    largest = max(found, key=lambda evaluation: evaluation.protocol.generated)
    score = next(score for name in ("layers", "frechet") for score in largest.scores if score.name == name)
    return score.value, (*largest.protocol.way, score.name)


def rows(runs: Sequence[str | Path]) -> list[list[Outcome]]:
    """Read the runs, and group runs with equal settings and other seeds, in the order in which they were named."""
    return grouped([outcome(run) for run in runs])


def grouped(found: Sequence[Outcome]) -> list[list[Outcome]]:
    """Group runs with equal settings; of one seed, such as a run at two steps, each has a row of its own."""
    groups: list[list[Outcome]] = []
    for run in found:
        seeds = [row for row in groups if row[0].settings == run.settings and run.seed not in [one.seed for one in row]]
        if seeds:
            seeds[0].append(run)
        else:
            groups.append([run])
    return groups


def table(compared: Sequence[Sequence[Outcome]]) -> str:
    """Format one line per row: the mean and, for several seeds, the standard deviation.

    Rows on different data are in tables of their own, below a warning.
    """
    tables: dict[tuple[Hashable, ...], list[Sequence[Outcome]]] = {}
    for row in compared:
        tables.setdefault(row[0].data, []).append(row)
    said = of_points if all(run.makes_points for row in compared for run in row) else str
    explanation = [said(EXPLANATION)]
    if any(perceptual_of(row) is not None for row in compared):
        explanation.append(PERCEPTUAL)
    if len(tables) == 1:
        return "\n".join([*table_lines(compared), *explanation])
    parts = [[f"On {part[0][0].data_name}:", *table_lines(part), ""] for part in tables.values()]
    return "\n".join([*(line for part in parts for line in part), warning(tables), *explanation])


def table_lines(compared: Sequence[Sequence[Outcome]]) -> list[str]:
    """Return the lines of a table of rows that can be compared.

    There is a column of perceptual distances if one is known, and a note if it orders the rows in another way.
    """
    distances = [perceptual_of(row) for row in compared]
    width = max(len("run"), *(len(row_name(row)) for row in compared))
    heading = f"{'run':{width}} {'steps':>8} {'pictures':>10} {'minutes':>14} {'score':>16} {'best':>16}"
    lines = [heading if not any(distances) else f"{heading} {'perceptual':>16}"]
    for row, distance in zip(compared, distances, strict=True):
        cells = [spread([getattr(run, what) for run in row]) for what in ("score", "best")]
        minutes = spread([run.seconds / 60 for run in row])
        steps, images = (int(statistics.mean(getattr(run, what) for run in row)) for what in ("step", "images"))
        line = f"{row_name(row):{width}} {steps:8,} {images:10,} {minutes:>14} {cells[0]:>16} {cells[1]:>16}"
        lines.append(line if not any(distances) else f"{line} {'-' if distance is None else spread(distance):>16}")
    return [*lines, *([DISAGREE] if disagree(compared, distances) else [])]


def perceptual_of(row: Sequence[Outcome]) -> list[float] | None:
    """Return the perceptual distances of a row's runs; None unless all were evaluated, and in the same way."""
    found = [run.perceptual for run in row if run.perceptual is not None]
    return found if len(found) == len(row) and len({run.way for run in row}) == 1 else None


def disagree(compared: Sequence[Sequence[Outcome]], distances: Sequence[list[float] | None]) -> bool:
    """Whether the score of the last checkpoints orders two rows in another way than the perceptual distance does."""
    both = [
        (row[0].way, statistics.mean(run.score for run in row), statistics.mean(distance))
        for row, distance in zip(compared, distances, strict=True)
        if distance is not None
    ]
    pairs = itertools.combinations(both, 2)
    return any(a[0] == b[0] and (a[1] - b[1]) * (a[2] - b[2]) < 0 for a, b in pairs)


def row_name(row: Sequence[Outcome]) -> str:
    """Return the name of a run or, of several seeds, that of the first and their number, in at most LONGEST characters.

    Of a long name the end is kept, which tells runs of one series apart.
    """
    name = row[0].name if len(row) == 1 else f"{row[0].name} and {len(row) - 1} more seed{'s' * (len(row) > 2)}"
    return name if len(name) <= LONGEST else f"...{name[3 - LONGEST :]}"


def spread(values: Sequence[float]) -> str:
    """Format the mean and, for several values, the standard deviation.

    >>> spread([2.0]), spread([1.0, 3.0])
    ('2.0', '2.0 +- 1.4')
    """
    mean = statistics.mean(values)
    if not all(abs(value) < LARGEST for value in values):
        return f"{mean:.4g}"
    places = 1 if mean >= 1 else 3  # scores of points are small
    return f"{mean:.{places}f}" if len(values) == 1 else f"{mean:.{places}f} +- {statistics.stdev(values):.{places}f}"


def estimates_of(run: Outcome) -> dict[str, list[tuple[float, float]]]:
    """Return the critic's estimates as curves (real images shown, value); empty for methods without any."""
    names = run.log[0].get("estimates", {}) if run.log else ()
    return {
        name: [(line["images"], line["estimates"][name]) for line in run.log if name in line["estimates"]]
        for name in names
    }


def distances_of(run: Outcome) -> dict[str, list[tuple[float, float]]]:
    """Return the distance to the real pictures during training as a curve; empty if the run was not probed."""
    scores = [(line["images"], line.get("probe", {}).get("score")) for line in run.log]
    known = [(images, score) for images, score in scores if score is not None]
    return {"distance to the real pictures": known} if known else {}


def panels(compared: Sequence[Sequence[Outcome]]) -> list[Panel]:
    """Return one panel per row: pictures of the same seeds by its first run, and curves of all runs.

    The curves are the critic's estimates or, for methods without one, distances to the real pictures.
    """
    drawn = []
    several_data = len({row[0].data for row in compared}) > 1
    for row in compared:
        model, _ = load_model(row[0].checkpoint, row[0].name)
        shown = SHOWN_POINTS if len(model.generator.image_shape) == 1 else SHOWN
        pictures: np.ndarray = render(model.generator, latents.samples(model.prior, shown))
        curves = {
            f"{name}, seed {run.seed}" if len(row) > 1 else name: curve
            for run in row
            for name, curve in (estimates_of(run) or distances_of(run)).items()
        }
        name = f"{row_name(row)} on {row[0].data_name}" if several_data else row_name(row)
        title = f"{name}: score {spread([run.score for run in row])}"
        drawn.append(Panel(title, pictures, curves, model.real))
    return drawn
