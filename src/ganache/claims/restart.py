"""Claim 15: the anime article's advice to start again if there is no face after 200 steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ganache.claims import anime, pictures
from ganache.claims.anime import VARIANT
from ganache.claims.claim import (
    Claim,
    Measurement,
    Settings,
    best_shares,
    pseudo_values,
    rank_correlation,
    ratios,
    runs_of,
    values,
)
from ganache.claims.verdict import Control, Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> anime.Article:
    """Return the size of the claim anime-article, shorter."""
    size = anime.choose_size(settings)
    return size if settings.quick else replace(size, steps=3_000, snapshots=7, explore=False)


# ---- the judgement -------------------------------------------------------------------------------------------------


def early_shares(measured: Sequence[Measurement]) -> tuple[float, ...]:
    """Return the distance after 200 steps as a share of that before training, by seed."""
    return ratios(values(measured, VARIANT, "early"), values(measured, VARIANT, "untrained"))


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    bounds = pictures.bounds(measured)
    pairs = list(zip(early_shares(measured), best_shares(measured, VARIANT), strict=True))
    worse = sorted(pairs, reverse=True)[: len(pairs) // 2]
    recovered = tuple(float(best <= bounds.good) for _, best in worse)

    def correlation(chosen: Sequence[tuple[float, float]]) -> float:
        return rank_correlation([early for early, _ in chosen], [best for _, best in chosen])

    words = "Rank correlation over the seeds of the distance after 200 steps and the smallest one"
    return (
        Part(
            "Share of the half of the seeds that is worse after 200 steps that comes to draw faces",
            recovered,
            0.3,
            0.5,
            yes_no=True,
        ),
        Part(words, pseudo_values(correlation, pairs), holds=0.5, fails=0.2),
    )


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    """The best seed must have learnt; others may fail, which is what the advice is about."""
    best = min(best_shares(measured, VARIANT))
    reason = "Where no seed comes to draw faces, there is nothing that an early look could foretell."
    return (Control(anime.LEARNT, (best,), pictures.bounds(measured).good, reason, whose="by the best seed"),)


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, figure, label, logarithmic

    fig = figure("Does the distance after 200 steps foretell the best one? Each line and dot is a seed", 3.4)
    curves, dots = axes(fig, 1, 2)[0]
    runs = [run.numbers for run in runs_of(measured, VARIANT)]
    for place, (n, early, best) in enumerate(
        zip(runs, early_shares(measured), best_shares(measured, VARIANT), strict=True)
    ):
        colour = COLOURS[place % len(COLOURS)]
        later = n["steps"][1:]
        shares = ratios(n["frechet_through_training"][1:], [n["untrained"]] * len(later))
        curves.plot(later, shares, color=colour, linewidth=1)
        dots.plot(early, best, "o", color=colour)
    logarithmic(curves, "x")
    bounds = pictures.bounds(measured)
    for ax, line in ((curves, curves.axhline), (dots, dots.axhline)):
        line(bounds.good, color="black", linestyle=":", linewidth=1)
        ax.set_ylim(bottom=0)
    dots.axvline(float(np.median(early_shares(measured))), color="black", linestyle="--", linewidth=1)
    label(curves, "generator steps", "distance, as a share of that before", "during training; dotted: faces")
    label(dots, "after 200 steps; dashed: half of the seeds", "the smallest; dotted: faces below", "")
    return {"seeds": fig}


CLAIM = Claim(
    name="restart",
    number=15,
    statement="If there is nothing like a face after some 200 steps, it is better to start again: a training that "
    "begins badly ends badly.",
    source="Generate anime-style faces with DCGAN and explore its latent feature representation (2019)",
    protocol="The GAN of the claim anime-article is trained for 3,000 steps with 24 seeds. The distance of 500 "
    "samples is measured after 200 steps and every 500. Before the claim is judged, the best seed must come to a "
    "distance called good. Of the half of the seeds that is worse after 200 steps, at most three in ten may then come "
    "to be called good (half of them or more contradict the advice; the interval is Clopper and Pearson's). "
    "Spearman's rank correlation over the seeds, of the distance after 200 steps and the smallest one, must be at "
    "least 0.5 (0.2 or less fails), with the confidence interval of the jackknife's pseudo-values. " + pictures.RULER,
    size=choose_size,
    variants=anime.CLAIM.variants,
    measure=anime.measure,
    judge=judge,
    controls=controls,
    draw=draw,
    fewest_seeds=24,
)
