"""The log's lines -> what the page's curves show, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ganache.output.report.reading import RunSummary
from ganache.runs.log import flat

MOST = 1_500
"""Points of a curve, about: of longer ones the lowest and the highest of each stretch are kept."""

Point = tuple[int, int, float, float]
"""(step, real pictures shown, minutes, value)"""


@dataclass(frozen=True)
class Chart:
    """One drawing of several curves."""

    title: str
    words: str
    """What they are, and what to wish for."""
    names: dict[str, str]
    """A number's name in the log -> how the curve is called; a name that ends in / stands for all that begin so."""
    logarithmic: bool = False
    """Whether it is drawn so at first."""
    total: str = ""
    """The curve of the sum of them all is called so, where there are several."""


CHARTS = (
    Chart(
        "Distance to the real pictures",
        "Of patches, from texture to shape, as the run saw it now and then. Lower is better; at “nothing learnt” "
        "are plain pictures of the data's mean colour.",
        {"probe/score": "in training", "checkpoint": "checkpoints", "probe/blank_score": "nothing learnt"},
    ),
    Chart("The critic's loss", "The terms that it minimises, and their sum.", {"d/": ""}, total="sum"),
    Chart("The generator's loss", "The terms that it minimises, and their sum.", {"g/": ""}, total="sum"),
    Chart("The critic's estimate", "Of the distance of the two distributions, by this method.", {"estimates/": ""}),
    Chart(
        "Gradient norms",
        "Of all weights of a network together. Healthy ones stay within a factor of ten.",
        {"d_gradient_norm": "critic", "g_gradient_norm": "generator"},
        logarithmic=True,
    ),
    Chart(
        "Variety",
        "Differences among generated pictures over those among real ones (all, and each to its nearest); the share of "
        "real pictures that generated ones come near, and of generated ones near a real one. 1 is the wish.",
        {
            "probe/variety": "all differences",
            "probe/nearest_ratio": "nearest differences",
            "probe/coverage": "real ones reached",
            "probe/precision": "generated ones near",
        },
    ),
    Chart(
        "What the critic knows",
        "The share of pictures taken for what they are, and of pairs put in order: at 1 there is nothing left to learn "
        "from. And by what share its loss falls if it goes on alone: near 0 it is at its best.",
        {
            "probe/critic_accuracy": "taken for what they are",
            "probe/critic_auc": "pairs in order",
            "probe/critic_headroom": "could gain",
        },
    ),
    Chart(
        "Light and colour",
        "How much brighter generated pictures are than real ones (0 is the wish), and their contrast and colour over "
        "the real ones' (1 is the wish).",
        {
            "probe/brightness_shift": "brighter by",
            "probe/contrast_ratio": "contrast_ratio",
            "probe/colour_ratio": "colour",
        },
    ),
    Chart(
        "Movement and copies",
        "How far the fixed latents' pictures moved since the look before, over the distance of two real ones; and the "
        "share that are copies of training pictures.",
        {"probe/drift": "moved", "probe/copies": "copies"},
    ),
    Chart("Augmentation", "The share of pictures that each augmentation changes.", {"augment_p": "strength"}),
    Chart("Speed", "Real pictures shown a second, since the line before.", {"images_per_second": "pictures a second"}),
)


def charts(runs: Sequence[RunSummary]) -> list[dict[str, Any]]:
    """Every chart for which some run has a number, as the page's script reads it."""
    found = [numbers(run) for run in runs]
    made = []
    for chart in CHARTS:
        series = [
            {"run": place, "name": name} | columns(thinned(points))
            for place, of_run in enumerate(found)
            for name, points in curves(chart, of_run).items()
        ]
        if series:
            made.append({"title": chart.title, "words": chart.words, "log": chart.logarithmic, "series": series})
    return made


def numbers(run: RunSummary) -> dict[str, list[Point]]:
    """Every number of a run through training, by its name in the log; `checkpoint` for the checkpoints' scores."""
    found: dict[str, list[Point]] = {}
    for line in run.lines:
        for name, value in flat(line):
            found.setdefault(name, []).append((line["step"], line["images"], line["seconds"] / 60, value))
    batch = run.config["schedule"]["batch"]
    for header in run.headers.values():
        if header.get("score") is not None:
            place = (header["step"], header["batch_index"] * batch, header["seconds"] / 60)
            found.setdefault("checkpoint", []).append((*place, header["score"]))
    return found


def curves(chart: Chart, found: dict[str, list[Point]]) -> dict[str, list[Point]]:
    """What a run has for a chart, by the curves' names; the sum first."""
    chosen: dict[str, list[Point]] = {}
    for key, name in chart.names.items():
        of_key = [each for each in found if each == key or (key.endswith("/") and each.startswith(key))]
        chosen |= {name or each.removeprefix(key).replace("_", " "): found[each] for each in of_key}
    if chart.total and len(chosen) > 1:
        sums: dict[tuple[int, int, float], float] = {}
        for step, images, minutes, value in (point for points in chosen.values() for point in points):
            sums[step, images, minutes] = sums.get((step, images, minutes), 0.0) + value
        chosen = {chart.total: [(*place, value) for place, value in sums.items()]} | chosen
    return chosen


def thinned(points: Sequence[Point]) -> list[Point]:
    """About MOST points at most: the lowest and the highest of each of as many stretches, so that no peak is lost."""
    if len(points) <= MOST:
        return list(points)
    stretches = MOST // 2
    edges = [len(points) * k // stretches for k in range(stretches + 1)]
    kept = {0, len(points) - 1}
    for start, end in pairwise(edges):
        stretch = range(start, end)
        kept |= {min(stretch, key=lambda k: points[k][3]), max(stretch, key=lambda k: points[k][3])}
    return [points[k] for k in sorted(kept)]


def columns(points: Sequence[Point]) -> dict[str, list[float]]:
    """The points as the page holds them: a list for each way to measure the time, and one of the values."""
    step, images, minutes, value = zip(*points, strict=True)
    return {
        "step": list(step),
        "images": list(images),
        "minutes": [round(each, 3) for each in minutes],
        "y": [float(f"{each:.5g}") for each in value],
    }
