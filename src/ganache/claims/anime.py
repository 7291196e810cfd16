"""Claim 11: the anime article's observations on late training, and on the deviation and mean of the latents.

Its trainings are also those of the claim anime-losses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, best_shares, rank_correlation, runs_of
from ganache.claims.pictures import SHOWN, PictureTraining, SampleScorer, picture_config, png_base64, scored_snapshots
from ganache.claims.training import Snapshot
from ganache.claims.verdict import Control, Part
from ganache.config.config import Config
from ganache.core.rendering import generate
from ganache.networks import AnimeArticle
from ganache.training.state import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DECLINE = 26 / 30
"""Share of the article's 30,000 steps after which, it says, quality falls."""
EXPLORED = 20 / 30
"""Share of the steps after which the article explored its model A."""
STDS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
MEANS = tuple(round(-1 + 0.2 * step, 1) for step in range(10))
STD, SNAPSHOTS = 0.4, 31
LOSSES = {"critic": "d", "generator": "g"}
"""Network -> the terms of its loss in a report."""
VARIANT = "the article"
LEARNT = "Smallest Frechet distance as a share of that before training"


@dataclass(frozen=True)
class Article(PictureTraining):
    batch: int = 16
    early: int = 200
    """Steps after which the article decides whether to start again."""
    explore: bool = True
    """Whether the latents are explored."""

    def trial(self, steps: int, snapshots: int) -> Self:
        return replace(super().trial(steps, snapshots), early=0)  # or a longer trial would have one more snapshot


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> Article:
    full = Article(image_size=24, num_samples=500, snapshots=SNAPSHOTS, steps=30_000)
    return pictures.choose_size(
        settings, ("faces",), full, image_size=24, width=2, snapshots=7, steps=14, num_samples=30, early=3
    )


def article(size: Article, seed: int) -> Config:
    """Return the recipe's method, optimisers and order of pictures, with a smaller network."""
    settings = picture_config("noisy-gan", AnimeArticle(z_dim=64, width=size.width), size, seed)
    ordered = replace(settings.data, order="sequential")
    return replace(settings, data=ordered, schedule=replace(settings.schedule, batch=size.batch))


def measure(unit: Unit, size: Article) -> Numbers:
    """Train, and measure the distance and both losses at every snapshot, the latents at one, and the samples after it.

    The losses are means over the last steps before a snapshot.
    """
    numbers: Numbers = {"steps": [], "frechet_through_training": [], **{name: [] for name in LOSSES}}
    for scored in scored_snapshots(article(size, unit.seed), size, also=size.early):
        numbers["steps"].append(scored.snapshot.step)
        numbers["frechet_through_training"].append(scored.frechet)
        for name, terms in LOSSES.items():
            numbers[name].append(scored.snapshot.recent_mean(partial(loss, terms)))
        if scored.snapshot.step <= size.early:
            numbers["early"] = scored.frechet
        if size.explore and "yellow" not in numbers and scored.snapshot.step >= EXPLORED * size.steps:
            numbers |= explored(scored.snapshot, scored.scorer)
    curve = numbers["frechet_through_training"]
    numbers |= {
        "features": scored.scorer.network.name,
        "untrained": curve[0],
        "best_step": numbers["steps"][int(np.argmin(curve))],
    }
    return numbers | ({"samples": png_base64(scored.samples[:SHOWN], columns=12)} if unit.seed == 0 else {})


def loss(terms: str, report: Report) -> float:
    """Return the sum of the terms "d" or "g" of a report."""
    return float(sum(getattr(report, terms).values()))


def explored(snapshot: Snapshot, scorer: SampleScorer) -> Numbers:
    """Return precision and coverage for each deviation of the latents, and the colour of the hair for each mean."""
    unit = torch.randn(scorer.count, snapshot.prior.z_dim, generator=torch.Generator().manual_seed(2))
    spread = [generate(snapshot.state.generator, std * unit) for std in STDS]
    scores = [scorer.scores(x, scorer.network(x)) for x in spread]
    shifted = [generate(snapshot.state.generator, mean + STD * unit) for mean in MEANS]
    return {
        "precision": [score["precision"] for score in scores],
        "coverage": [score["coverage"] for score in scores],
        "yellow": [yellowness(x) for x in shifted],
        "along_the_mean": png_base64(torch.cat([x[row : row + 1] for row in range(3) for x in shifted]), len(MEANS)),
    }


def yellowness(x: Tensor) -> float:
    """Return (red + green) / 2 - blue, each in [0, 1], in the upper third of x [N, C, H, W], where the hair is."""
    red, green, blue = ((x[:, :, : x.shape[2] // 3] + 1) / 2).expand(-1, 3, -1, -1).mean(dim=(0, 2, 3)).tolist()
    return float((red + green) / 2 - blue)


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    def late_ratio(n: Numbers) -> float:
        """Return the mean distance after step 26,000, divided by that of as many snapshots before."""
        curve, last = n["frechet_through_training"], n["steps"][-1]
        after = sum(step > DECLINE * last for step in n["steps"])
        return float(np.mean(curve[-after:]) / np.mean(curve[-2 * after : -after]))

    def precision_gain(n: Numbers) -> float:
        return float(n["precision"][STDS.index(0.4)] - n["precision"][STDS.index(1.0)])

    every = [run.numbers for run in measured]
    return (
        Part(
            "Frechet distance after step 26,000, divided by that before",
            tuple(map(late_ratio, every)),
            holds=1.1,
            fails=1.0,
        ),
        Part("Precision of N(0, 0.4) minus that of N(0, 1)", tuple(map(precision_gain, every)), holds=0.05, fails=0.0),
        Part(
            "Rank correlation between the mean of the latents and the yellow of the hair",
            tuple(rank_correlation(MEANS, n["yellow"]) for n in every),
            holds=-0.8,
            fails=0.0,
        ),
    )


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    """The network must have drawn faces at some time, and still at the step at which the article explores it."""
    precision = tuple(float(run.numbers["precision"][STDS.index(1.0)]) for run in measured)
    reason = "A network that has drawn no faces has no quality to lose."
    explored = "Where hardly a sample is near a real picture, there is nothing to explore."
    return (
        Control(LEARNT, best_shares(measured, VARIANT), pictures.bounds(measured).good, reason),
        Control("Precision of N(0, 1) at step 20,000", precision, 0.1, explored, at_least=True),
    )


# ---- the figures ---------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, above_floor, axes, band, figure, label, logarithmic, tiles

    runs = [run.numbers for run in measured]
    fig = figure("The anime article's GAN during training, and the effect of the latents' deviation and mean", 3.4)
    time, spread, mean = axes(fig, 1, 3)[0]
    steps = runs[0]["steps"][1:]
    band(time, steps, [above_floor(n)[1:] for n in runs], COLOURS[0], "samples")
    time.axvline(DECLINE * steps[-1], color="black", linestyle=":", linewidth=1, label="decline, says the article")
    logarithmic(time, "y")
    label(time, "generator steps", "Frechet distance, lower is better", "during training", legend=True)
    for score, colour, words in (("precision", 0, "near real ones"), ("coverage", 1, "of the real covered")):
        for n in runs:
            spread.plot(STDS, n[score], color=COLOURS[colour], linewidth=0.8, alpha=0.6)
        spread.plot(STDS, np.mean([n[score] for n in runs], 0), "o-", color=COLOURS[colour], markersize=3, label=words)
    label(spread, "standard deviation of the latents", "share (thin: each seed)", "at 2/3 of the training", legend=True)
    for seed, n in enumerate(runs):
        mean.plot(MEANS, n["yellow"], "o-", markersize=3, color=COLOURS[seed % len(COLOURS)], label=f"seed {seed}")
    label(mean, "mean of the latents", "(red + green) / 2 - blue", "yellow in the upper third", legend=True)
    shown = figure("Three latents around means from -1 (left) to 0.8 (right), and samples at the end", 3.9)
    for ax, name in zip(shown.subplots(2, 1), ("along_the_mean", "samples"), strict=True):
        tiles(ax, runs_of(measured, VARIANT)[0].numbers[name], "")
    return {"article": fig, "pictures": shown}


CLAIM = Claim(
    name="anime-article",
    number=11,
    statement="In the anime article's GAN, quality falls after about 26,000 steps; latents with standard deviation 0.4 "
    "give better pictures than those with 1; and the lower their mean, the yellower the hair.",
    source="Generate anime-style faces with DCGAN and explore its latent feature representation (2019), images 5 to 14",
    protocol="The article's network, method, optimisers and order of pictures, for its 30,000 steps, on faces (drawn "
    "ones if none are given). Everything else is smaller: pictures of 24x24, 16 channels and batches of 16, instead "
    "of 64x64, 128 and 32. Every 1,000 steps, 500 samples are compared with real pictures. Before the claim is "
    "judged, the smallest distance must be called good, and at step 20,000 a tenth of the samples must be near real "
    "pictures. The mean distance after step 26,000 must be at least 1.1 times that of as many snapshots before (1.0 "
    "or less fails). At step 20,000, the article's model A, latents are drawn with standard deviations from 0.2 to "
    "1.2. The precision (share of samples near real pictures) of N(0, 0.4) must be at least 0.05 above that of N(0, "
    "1) (no difference or less fails). With means from -1 to 0.8 and standard deviation 0.4, the rank correlation "
    "between the mean and the yellow in the upper third of the samples must be at most -0.8 (0 or more fails). "
    "Nothing in the method ties a colour to a sign, so other seeds may reverse it. " + pictures.RULER,
    size=choose_size,
    experiment="anime",
    variants=lambda size: (VARIANT,),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
