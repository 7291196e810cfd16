"""Claim 14: in the anime article's GAN, neither loss shows how good the samples are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganache.claims import anime, pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, rank_correlation, ratios
from ganache.claims.loss_quality import WARM_UP, scaled
from ganache.claims.pictures import scored_snapshots
from ganache.claims.verdict import Control, Part, spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOSSES = ("critic", "generator")


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> anime.Article:
    full = anime.Article(image_size=24, width=8, num_samples=500, snapshots=41, steps=10_000)
    return pictures.choose_size(
        settings, ("faces",), full, image_size=24, width=2, snapshots=7, steps=14, num_samples=60
    )


def measure(unit: Unit, size: anime.Article) -> Numbers:
    numbers: Numbers = {"steps": [], "frechet": [], **{name: [] for name in LOSSES}}
    for scored in scored_snapshots(anime.article(size, unit.seed), size):
        numbers.setdefault("untrained", scored.frechet)
        if scored.snapshot.step < max(1, WARM_UP * size.steps):
            continue
        numbers["steps"].append(scored.snapshot.step)
        numbers["frechet"].append(scored.frechet)
        for name, terms in zip(LOSSES, ("d", "g"), strict=True):
            losses = [float(sum(getattr(report, terms).values())) for report in scored.snapshot.recent]
            numbers[name].append(float(np.mean(losses)))
    return numbers


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    def found(name: str) -> tuple[float, ...]:
        return tuple(abs(rank_correlation(run.numbers[name], run.numbers["frechet"])) for run in measured)

    words = "Rank correlation, without its sign, of the {}'s loss and the distance of the samples"
    return tuple(Part(words.format(name), found(name), holds=0.3, fails=0.7) for name in LOSSES)


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    every = [run.numbers for run in measured]
    best = ratios([min(n["frechet"]) for n in every], [n["untrained"] for n in every])
    reason = "Of a generator whose samples never improve, no loss can follow the improvement."
    return (Control("Smallest Frechet distance as a share of that before training", best, pictures.GOOD, reason),)


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label

    runs = [run.numbers for run in measured]
    fig = figure("Do the losses of the anime article's GAN follow the distance of its samples?", 3.4)
    for ax, name in zip(axes(fig, 1, 2, sharey=True)[0], LOSSES, strict=True):
        band(ax, runs[0]["steps"], [scaled(n["frechet"]) for n in runs], COLOURS[7], "distance to real pictures")
        band(ax, runs[0]["steps"], [scaled(n[name]) for n in runs], COLOURS[name == "generator"], f"{name}'s loss")
        found = spread([rank_correlation(n[name], n["frechet"]) for n in runs])
        label(ax, "generator steps", "scaled to 0 ... 1", f"{name}: correlation {found}", legend=True)
    return {"losses": fig}


CLAIM = Claim(
    name="anime-losses",
    number=14,
    statement="The losses of the original GAN do not tell the progress of a training: neither the critic's nor the "
    "generator's.",
    source="Generate anime-style faces with DCGAN and explore its latent feature representation (2019); Arjovsky, "
    "Chintala & Bottou 2017, Wasserstein GAN, section 4.2",
    protocol="The anime article's network, method, optimisers and order of pictures, smaller as in the claim "
    "anime-article (pictures of 24x24, 8 channels, batches of 8), for 10,000 steps on faces (drawn ones if none are "
    "given). At 37 points, without the first tenth, the mean losses of the last 20 steps are compared with the Frechet "
    "distance of 500 samples to pictures that no training has seen, in the features of a fixed random network. Before "
    "the claim is judged, the smallest distance must be at most a fifth of the first. Spearman's rank correlation, "
    "whatever its sign, must then be at most 0.3 for both losses; from 0.7 on for one of them the claim fails.",
    size=choose_size,
    variants=lambda size: ("the article",),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
