"""Claim 15: the anime article's advice to start again if there is no face after 200 steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganache.claims import anime, pictures
from ganache.claims.claim import (
    Claim,
    Measurement,
    Numbers,
    Settings,
    Unit,
    pseudo_values,
    rank_correlation,
    runs_of,
    shares,
    values,
)
from ganache.claims.pictures import scored_snapshots
from ganache.claims.verdict import Control, Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EARLY = 200
"""Steps after which the article decides."""


@dataclass(frozen=True)
class Restarts(anime.Article):
    early: int = EARLY


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> Restarts:
    full = Restarts(image_size=24, width=8, num_samples=500, snapshots=26, steps=5_000)
    return pictures.choose_size(
        settings, ("faces",), full, image_size=24, width=2, snapshots=4, steps=6, num_samples=60, early=2
    )


def measure(unit: Unit, size: Restarts) -> Numbers:
    numbers: Numbers = {"steps": [], "frechet_through_training": []}
    for scored in scored_snapshots(anime.article(size, unit.seed), size):
        numbers["steps"].append(scored.snapshot.step)
        numbers["frechet_through_training"].append(scored.frechet)
        if scored.snapshot.step <= size.early:
            numbers["early"] = scored.frechet
    curve = numbers["frechet_through_training"]
    return numbers | {"untrained": curve[0], "frechet": curve[-1]}


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    pairs = list(zip(values(measured, "the article", "early"), values(measured, "the article", "frechet"), strict=True))

    def correlation(chosen: Sequence[tuple[float, float]]) -> float:
        return rank_correlation([early for early, _ in chosen], [last for _, last in chosen])

    words = "Rank correlation over the seeds of the distance after 200 steps and the last one"
    return (Part(words, pseudo_values(correlation, pairs), holds=0.5, fails=0.2),)


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    """The best seed must have learnt; others may fail, which is what the advice is about."""
    best = min(shares(measured, "the article"))
    reason = "Where no seed ends with faces, there is nothing that an early look could foretell."
    return (
        Control("Frechet distance as a share of that before training", (best,), 0.2, reason, whose="by the best seed"),
    )


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, figure, label, logarithmic

    fig = figure("Does the distance after 200 steps tell the one at the end? Each line and dot is a seed", 3.4)
    curves, dots = axes(fig, 1, 2)[0]
    for place, run in enumerate(runs_of(measured, "the article")):
        colour = COLOURS[place % len(COLOURS)]
        curves.plot(run.numbers["steps"], run.numbers["frechet_through_training"], color=colour, linewidth=1)
        dots.plot(run.numbers["early"], run.numbers["frechet"], "o", color=colour)
    curves.axvline(EARLY, color="black", linestyle=":", linewidth=1)
    logarithmic(curves, "y")
    label(curves, "generator steps", "Frechet distance", "during training")
    label(dots, "distance after 200 steps", "distance at the end", "")
    return {"seeds": fig}


CLAIM = Claim(
    name="restart",
    number=15,
    statement="If there is nothing like a face after some 200 steps, it is better to start again: a training that "
    "begins badly ends badly.",
    source="Generate anime-style faces with DCGAN and explore its latent feature representation (2019)",
    protocol="The anime article's GAN, smaller as in the claim anime-article, is trained for 5,000 steps with twelve "
    "seeds. The Frechet distance of 500 samples to pictures that no training has seen is measured after 200 steps and "
    "at the end. Before the claim is judged, the best seed must end at a fifth of the untrained distance or below. "
    "Spearman's rank correlation of the two distances over the seeds must then be at least 0.5 (0.2 or less fails), "
    "with the confidence interval of the jackknife's pseudo-values.",
    size=choose_size,
    variants=lambda size: ("the article",),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
    fewest_seeds=12,
)
