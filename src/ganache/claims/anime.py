"""Claim 11: what the anime article saw: when quality falls, which spread of latents looks best, what the mean does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, of, rank_correlation
from ganache.claims.pictures import SHOWN, Learning, Yardstick, as_text, judged, setting
from ganache.claims.training import Look
from ganache.claims.verdict import Part
from ganache.config.config import Config
from ganache.core.rendering import generate
from ganache.networks import AnimeArticle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FALLS, EXPLORED = 26 / 30, 20 / 30
"""Of the article's 30,000 steps: when quality is said to fall, and whose model (its A) was explored."""
STDS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
MEANS = tuple(round(-1 + 0.2 * step, 1) for step in range(10))
STD, OFTEN = 0.4, 31


@dataclass(frozen=True)
class Article(Learning):
    batch: int = 8


# ---- the experiment ------------------------------------------------------------------------------------------------


def size(settings: Settings) -> Article:
    full = Article(side=24, width=8, judged=500, looks=OFTEN, steps=30_000)
    return pictures.sized(settings, ("faces",), full, side=24, width=2, looks=7, steps=6, judged=60)


def article(how: Article, seed: int) -> Config:
    """The recipe's method, optimisers and order of pictures; the network smaller."""
    settings = setting("noisy-gan", AnimeArticle(z_dim=64, width=how.width), how, seed)
    ordered = replace(settings.data, order="sequential")
    return replace(settings, data=ordered, schedule=replace(settings.schedule, batch=how.batch))


def measure(unit: Unit, how: Article) -> Numbers:
    numbers: Numbers = {"steps": [], "frechet_through_training": []}
    for now in judged(article(how, unit.seed), how):
        numbers["steps"].append(now.look.step)
        numbers["frechet_through_training"].append(now.distance)
        if "yellow" not in numbers and now.look.step >= EXPLORED * how.steps:
            numbers |= explored(now.look, now.yardstick, how.judged)
    best = int(np.argmin(numbers["frechet_through_training"]))
    numbers["best_step"] = numbers["steps"][best]
    return numbers | ({"samples": as_text(now.fake[:SHOWN], columns=12)} if unit.seed == 0 else {})


def explored(look: Look, yardstick: Yardstick, n: int) -> Numbers:
    """Fidelity and variety over the latents' spread, and the colour of hair over their mean."""
    unit = torch.randn(n, look.prior.z_dim, generator=torch.Generator().manual_seed(2))
    scores = [yardstick.all(generate(look.state.generator, std * unit)) for std in STDS]
    shifted = [generate(look.state.generator, mean + STD * unit) for mean in MEANS]
    return {
        "precision": [each["precision"] for each in scores],
        "coverage": [each["coverage"] for each in scores],
        "yellow": [yellowness(x) for x in shifted],
        "along_the_mean": as_text(torch.cat([x[row : row + 1] for row in range(3) for x in shifted]), len(MEANS)),
    }


def yellowness(x: Tensor) -> float:
    """Of the upper third of x [N, C, H, W], where the hair is: (red + green) / 2 - blue, of light from 0 to 1."""
    red, green, blue = ((x[:, :, : x.shape[2] // 3] + 1) / 2).expand(-1, 3, -1, -1).mean(dim=(0, 2, 3)).tolist()
    return float((red + green) / 2 - blue)


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    def fallen(n: Numbers) -> float:
        """The mean distance after step 26,000 over that of as many looks before."""
        curve, last = n["frechet_through_training"], n["steps"][-1]
        after = sum(step > FALLS * last for step in n["steps"])
        return float(np.mean(curve[-after:]) / np.mean(curve[-2 * after : -after]))

    def better(n: Numbers) -> float:
        return float(n["precision"][STDS.index(0.4)] - n["precision"][STDS.index(1.0)])

    every = [each.numbers for each in measured]
    return (
        Part("Frechet distance after step 26,000 over that before", tuple(map(fallen, every)), holds=1.1, fails=1.0),
        Part("Precision that N(0, 0.4) has more than N(0, 1)", tuple(map(better, every)), holds=0.05, fails=0.0),
        Part(
            "Rank correlation of the latents' mean with the yellow of the hair",
            tuple(rank_correlation(MEANS, n["yellow"]) for n in every),
            holds=-0.8,
            fails=0.0,
        ),
    )


# ---- the figures ---------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label, logarithmic, tiles

    runs = [each.numbers for each in measured]
    made = figure("The anime article's GAN over time, and what its latents' spread and mean do", 3.4)
    time, spread, mean = axes(made, 1, 3)[0]
    steps = runs[0]["steps"][1:]
    band(time, steps, [n["frechet_through_training"][1:] for n in runs], COLOURS[0], "samples")
    time.axvline(FALLS * steps[-1], color="black", linestyle=":", linewidth=1, label="said to fall from here")
    logarithmic(time, "y")
    label(time, "generator steps", "Frechet distance, low is good", "through training", legend=True)
    for score, colour, words in (("precision", 0, "near real ones"), ("coverage", 1, "of the real covered")):
        for n in runs:
            spread.plot(STDS, n[score], color=COLOURS[colour], linewidth=0.8, alpha=0.6)
        spread.plot(STDS, np.mean([n[score] for n in runs], 0), "o-", color=COLOURS[colour], markersize=3, label=words)
    label(spread, "standard deviation of the latents", "share (thin: each seed)", "at 2/3 of the training", legend=True)
    for seed, n in enumerate(runs):
        mean.plot(MEANS, n["yellow"], "o-", markersize=3, color=COLOURS[seed % len(COLOURS)], label=f"seed {seed}")
    label(mean, "mean of the latents", "(red + green) / 2 - blue", "yellow in the upper third", legend=True)
    shown = figure("Three latents around means from -1 (left) to 0.8 (right), and samples at the end", 3.9)
    for each, name in zip(shown.subplots(2, 1), ("along_the_mean", "samples"), strict=True):
        tiles(each, of(measured, "the article")[0].numbers[name], "")
    return {"article": made, "pictures": shown}


CLAIM = Claim(
    name="anime-article",
    number=11,
    says="Of the anime article's GAN: quality falls after about 26,000 steps; latents of standard deviation 0.4 look "
    "better than those of 1; and the lower their mean, the more yellow the hair.",
    source="Generate anime-style faces with DCGAN and explore its latent feature representation (2019), images 5 to 14",
    protocol="The article's network, method, optimisers and order of pictures for its 30,000 steps, on faces (drawn "
    "ones where none are given) at 24x24 with 8 channels and batches of 8, where it has 64x64, 128 channels and 32: "
    "so this is the article's setting made small. Every 1,000 steps 500 samples are compared with pictures that no "
    "training has seen, by the Frechet distance of a fixed random network's features: its mean after step 26,000 must "
    "be at least a tenth above that of as many looks before (no higher fails). At step 20,000, the article's model A, "
    "latents are drawn with standard deviations from 0.2 to 1.2: of N(0, 0.4) a share must lie near real pictures "
    "(precision) that is at least 0.05 above that of N(0, 1) (no larger fails). And with means from -1 to 0.8, "
    "standard deviation 0.4, the rank correlation of the mean with the yellow in the upper third of the samples must "
    "be at most -0.8 (0 or more fails): nothing in the method ties a colour to a sign, so other seeds may turn it.",
    size=size,
    variants=lambda how: ("the article",),
    measure=measure,
    judge=judge,
    draw=draw,
)
