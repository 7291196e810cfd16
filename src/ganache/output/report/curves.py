"""The numbers of the log, as plain data that the page's script draws."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from ganache.core.strict import numbers_of
from ganache.core.wording import of_points
from ganache.figures.curves import is_wide
from ganache.output.report.summary import RunSummary

MAX_POINTS = 1_500
"""Points per curve, approximately. Of longer curves the lowest and the highest point of each stretch are kept."""

Point = tuple[int, int, float, float]
"""(step, real pictures shown, minutes, value)"""


@dataclass(frozen=True)
class Chart:
    """One plot of several curves."""

    title: str
    description: str
    """What the curves are, and which values are good."""
    names: dict[str, str]
    """Name in the log -> name of the curve. A name that ends in / stands for all names that begin with it."""
    logarithmic: bool = False
    """Whether the vertical axis is logarithmic at first."""
    of_method: bool = False
    """Whether the values of different methods cannot be compared, so that each method has a plot of its own."""
    total: str = ""
    """If there are several curves, the name of one more, their sum; none if empty."""


CHARTS = (
    Chart(
        "Distance to the real pictures",
        "Distance of 256 pictures to 256 real ones, measured during training, in perceptual features or in patches "
        "(policy.score). Lower is better; “nothing learnt” is the distance of plain pictures of the data's mean "
        "colour.",
        {"probe/score": "in training", "checkpoint": "checkpoints", "probe/blank_score": "nothing learnt"},
    ),
    Chart(
        "Critic loss", "The terms that the critic minimises, and their sum.", {"d/": ""}, of_method=True, total="sum"
    ),
    Chart(
        "Generator loss",
        "The terms that the generator minimises, and their sum.",
        {"g/": ""},
        of_method=True,
        total="sum",
    ),
    Chart(
        "Critic's estimate",
        "The distance of the two distributions, as this method's critic estimates it.",
        {"estimates/": ""},
        of_method=True,
    ),
    Chart(
        "Gradient norms",
        "Norms over all weights of a network. Healthy ones stay within a factor of ten.",
        {"d_gradient_norm": "critic", "g_gradient_norm": "generator"},
        logarithmic=True,
    ),
    Chart(
        "Variety",
        "Differences among generated pictures, divided by those among real ones (all pairs, and nearest pairs); the "
        "share of real pictures near a generated one, and of generated pictures near a real one. 1 is ideal.",
        {
            "probe/variety": "all pairs",
            "probe/nearest_ratio": "nearest pairs",
            "probe/perceptual_coverage": "coverage",
            "probe/perceptual_precision": "precision",
            "probe/coverage": "coverage of thumbnails",
            "probe/precision": "precision of thumbnails",
        },
    ),
    Chart(
        "Modes",
        "The share of the known modes that generated points cover, and of these points that are near one. 1 is ideal.",
        {"probe/modes_found": "modes found", "probe/near_modes": "points near one"},
    ),
    Chart(
        "Critic's accuracy",
        "The share of pictures that the critic classifies correctly, and of pairs that it orders correctly: at 1 the "
        "generator has nothing left to learn from. Headroom is the share by which the critic's loss falls if only the "
        "critic trains on: near 0 it is at its best.",
        {
            "probe/critic_accuracy": "accuracy",
            "probe/critic_auc": "pairs in order (AUC)",
            "probe/critic_headroom": "headroom",
        },
    ),
    Chart(
        "Light and colour",
        "How much brighter generated pictures are than real ones (0 is ideal), and their contrast and colour divided "
        "by those of real ones (1 is ideal).",
        {
            "probe/brightness_shift": "brightness",
            "probe/contrast_ratio": "contrast",
            "probe/colour_ratio": "colour",
        },
    ),
    Chart(
        "Movement and copies",
        "How far the pictures of fixed latents moved since the last probe, divided by the distance of two real "
        "pictures; and the share of generated pictures that are copies of training pictures.",
        {"probe/drift": "movement", "probe/copies": "copies"},
    ),
    Chart("Augmentation", "The probability that each augmentation changes a picture.", {"augment_p": "probability"}),
    Chart("Speed", "Real pictures shown per second, since the line before.", {"images_per_second": "pictures/s"}),
)


def charts(runs: Sequence[RunSummary]) -> dict[str, Any]:
    """Return `charts`, every one for which some run has a number, and the time `axes` that their series refer to."""
    numbers = [collect_numbers(run) for run in runs]
    axes: list[dict[str, list[float]]] = []
    said = of_points if all(run.makes_points for run in runs) else str
    plain = []
    for chart, chosen in plots(runs):
        series: list[dict[str, Any]] = [
            {"run": index, "name": said(name)} | to_columns(thin_keeping_peaks(points), axes)
            for index in chosen
            for name, points in curves(chart, numbers[index]).items()
        ]
        if series:
            values = [value for each in series for value in each["y"]]
            logarithmic = chart.logarithmic or (not chart.of_method and is_wide(values))
            plain.append(
                {
                    "title": said(chart.title),
                    "description": said(chart.description),
                    "logarithmic": logarithmic,
                    "series": series,
                }
            )
    return {"charts": plain, "axes": axes}


def plots(runs: Sequence[RunSummary]) -> Iterator[tuple[Chart, list[int]]]:
    """Yield (a chart, the indices of the runs in it): of all runs or, for losses, of those with equal methods."""
    methods: dict[str, list[int]] = {}
    for index, run in enumerate(runs):
        methods.setdefault(json.dumps(run.config["method"], sort_keys=True), []).append(index)
    for chart in CHARTS:
        if not chart.of_method or len(methods) == 1:
            yield chart, list(range(len(runs)))
            continue
        for chosen in methods.values():
            names = ", ".join(runs[index].name for index in chosen)
            yield replace(chart, title=f"{chart.title}: {names}"), chosen


def collect_numbers(run: RunSummary) -> dict[str, list[Point]]:
    """Return all points of a run by name in the log; the scores of its checkpoints are named `checkpoint`."""
    points: dict[str, list[Point]] = {}
    for line in run.lines:
        for name, value in numbers_of(line):
            points.setdefault(name, []).append((line["step"], line["images"], line["seconds"] / 60, value))
    batch = run.config["schedule"]["batch"]
    for header in run.headers.values():
        if header.get("score") is not None:
            time = (header["step"], header["batch_index"] * batch, header["seconds"] / 60)
            points.setdefault("checkpoint", []).append((*time, header["score"]))
    return points


def curves(chart: Chart, numbers: dict[str, list[Point]]) -> dict[str, list[Point]]:
    """Return the curves of one run in a chart, by name; the sum comes first."""
    chosen: dict[str, list[Point]] = {}
    for key, label in chart.names.items():
        matching = [name for name in numbers if name == key or (key.endswith("/") and name.startswith(key))]
        chosen |= {label or name.removeprefix(key).replace("_", " "): numbers[name] for name in matching}
    if chart.total and len(chosen) > 1:
        sums: dict[tuple[int, int, float], float] = {}
        for step, images, minutes, value in (point for points in chosen.values() for point in points):
            sums[step, images, minutes] = sums.get((step, images, minutes), 0.0) + value
        chosen = {chart.total: [(*time, value) for time, value in sums.items()]} | chosen
    return chosen


def thin_keeping_peaks(points: Sequence[Point]) -> list[Point]:
    """Return about MAX_POINTS points: the lowest and the highest value of each stretch, and both ends."""
    if len(points) <= MAX_POINTS:
        return list(points)
    stretches = MAX_POINTS // 2
    edges = [len(points) * k // stretches for k in range(stretches + 1)]
    kept = {0, len(points) - 1}
    for start, end in pairwise(edges):
        stretch = range(start, end)
        kept |= {min(stretch, key=lambda k: points[k][3]), max(stretch, key=lambda k: points[k][3])}
    return [points[k] for k in sorted(kept)]


def to_columns(points: Sequence[Point], axes: list[dict[str, list[float]]]) -> dict[str, Any]:
    """Return the values `y` of the points, and the index `axis` of their times in `axes`, to which new ones are added.

    Most curves of a run have the same times, which are written once.
    """
    step, images, minutes, value = zip(*points, strict=True)
    axis = {"step": list(step), "images": list(images), "minutes": [round(minute, 3) for minute in minutes]}
    if axis not in axes:
        axes.append(axis)
    return {"axis": axes.index(axis), "y": [float(f"{v:.5g}") for v in value]}
