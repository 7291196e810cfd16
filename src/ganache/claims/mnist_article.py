"""Claim 13: the WGAN article's own experiment, with weights that are clipped, and as its listing trains them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from ganache.claims import pictures
from ganache.claims.claim import (
    Claim,
    Measurement,
    Numbers,
    Settings,
    Unit,
    nearest,
    pseudo_values,
    ratios,
    runs_of,
    shares,
)
from ganache.claims.pictures import PictureTraining, picture_config, train_and_score
from ganache.claims.verdict import Control, Part
from ganache.methods import Wgan
from ganache.networks.wgan_article import WganArticle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"GAN": "gan", "WGAN": "wgan", "WGAN as listed": "wgan"}
JUDGED = ("WGAN", "WGAN as listed")
EPOCHS, EPOCH = 10, 469
"""Epochs, and the batches of one: 60,000 digits."""
BATCH = 128


@dataclass(frozen=True)
class ArticleTraining(PictureTraining):
    hidden: int = 1024
    """Units of the generator's first layer."""


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> ArticleTraining:
    full = ArticleTraining(image_size=28, snapshots=EPOCHS + 1, steps=EPOCHS * EPOCH)
    return pictures.choose_size(settings, ("mnist",), full, enlarged=True, image_size=28, hidden=32)


def measure(unit: Unit, size: ArticleTraining) -> Numbers:
    network = WganArticle(hidden=size.hidden, width=size.width)
    settings = picture_config(METHODS[unit.variant], network, size, unit.seed)
    schedule = replace(settings.schedule, batch=BATCH, critic_steps=1, separate_critic_terms=True)
    settings = replace(settings, schedule=schedule)
    if unit.variant == "WGAN as listed":
        settings = replace(settings, method=Wgan(clip=None))
    return train_and_score(settings, size, unit.seed)


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    gan = [run.numbers for run in runs_of(measured, "GAN")]
    parts = []
    for name in JUDGED:
        runs = [run.numbers for run in runs_of(measured, name)]
        nearer = ratios(nearest(measured, name), nearest(measured, "GAN"))
        moves = ratios([movement(n) for n in runs], [movement(n) for n in gan])
        fewer = tuple(failed(g) - failed(n) for g, n in zip(gan, runs, strict=True))
        pairs = list(zip(shares(measured, "GAN"), shares(measured, name), strict=True))
        parts += [
            Part(f"Frechet distance of {name}, divided by that of the GAN", nearer, holds=1.0, fails=1.0),
            Part(f"Movement of the distance of {name} between epochs, divided by the GAN's", moves, 1.0, 1.0),
            Part(f"Seeds in which the GAN fails, minus those of {name} (share)", fewer, holds=0.0, fails=-0.1),
            Part(f"Spread of the last distance over seeds, of {name} by the GAN's (log)", spreads(pairs), 0.0, 0.0),
        ]
    return tuple(parts)


def movement(numbers: Numbers) -> float:
    """Return the mean change of the distance from one epoch to the next in the second half, as a share of the first."""
    curve = numbers["frechet_through_training"]
    late = curve[len(curve) // 2 :]
    changes = [abs(after - before) for before, after in pairwise(late)]
    return statistics.fmean(changes) / float(numbers["untrained"])


def failed(numbers: Numbers) -> float:
    """Return 1 if a training ends with nothing that is in the pictures, else 0."""
    return float(not numbers["frechet"] < pictures.BOUNDS[numbers["features"]].nothing * numbers["untrained"])


def spreads(pairs: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """Return values by seed of the logarithm of the ratio of two spreads over the seeds."""

    def log_ratio(chosen: Sequence[tuple[float, float]]) -> float:
        if len(chosen) < 2 or not all(math.isfinite(each) for pair in chosen for each in pair):
            return math.nan
        gan, other = (statistics.stdev(one) for one in zip(*chosen, strict=True))
        return math.log(max(other, 1e-12) / max(gan, 1e-12))

    return pseudo_values(log_ratio, pairs)


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    """One seed of each must have learnt; others may fail, which is a part of the claim."""
    reason = "Of a method that draws digits with no seed, neither quality nor steadiness can be compared."
    bound = pictures.bounds(measured).learnt
    words, whose = "Frechet distance of {}, as a share of that before training", "by the best seed"
    return tuple(
        Control(words.format(name), (min(shares(measured, name)),), bound, reason, whose=whose)
        for name in ("GAN", "WGAN")
    )


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import learning

    return {"learning": learning("The article's networks and loop: distance after each epoch", measured)}


CLAIM = Claim(
    name="mnist-article",
    number=13,
    statement="With the WGAN article's networks on MNIST, the samples of WGAN are slightly better than those of the "
    "GAN, and its training is more stable.",
    source="Paper reproduction: Wasserstein GAN (2018), its experiment and conclusion",
    protocol="The article's generator (tanh, upsampling) and critic (pooling, batch norm), with half of their "
    "channels, are trained on digits of 28x28 (MNIST if given, else scikit-learn's, enlarged, else drawn faces) for "
    "4,690 steps of 128, which are ten epochs of MNIST: one critic step per generator step, on fakes and on reals in "
    "turn. The GAN has Adam at 2e-4 with momentum 0.5, WGAN RMSProp at 5e-5. WGAN's weights are clipped to ±0.01; in "
    "its second form they are not, since the article's listing computes clipped values and never assigns them. The "
    "distance of 1,000 samples is measured after every epoch. Before the claim is judged, the best seed of the GAN "
    "and of WGAN must reach one called learnt. WGAN, in both forms, must then be nearer than the GAN; its distance "
    "must change less from epoch to epoch in the second half; no more of its seeds may end with nothing of the "
    "pictures; and its last distance must vary less over the seeds (with jackknife pseudo-values for each seed). "
    + pictures.RULER,
    size=choose_size,
    variants=lambda size: tuple(METHODS),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
