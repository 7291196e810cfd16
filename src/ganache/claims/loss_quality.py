"""Claim 2: the Wasserstein estimate tells how good the samples are, the GAN's Jensen-Shannon estimate does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, of, rank_correlation, variants
from ganache.claims.pictures import SHOWN, Learning, Mixed, as_text, judged, setting
from ganache.claims.verdict import Part, spread
from ganache.networks import Dcgan, Mlp, Network
from ganache.training.state import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"gan": "Jensen-Shannon estimate", "wgan": "Wasserstein estimate"}
"""Method -> what its critic's loss estimates."""
GENERATORS = ("mlp", "dcgan")
WARM_UP = 0.1
"""Share of the training left out: at first the critic knows nothing, and its loss speaks of itself."""


# ---- the experiment ------------------------------------------------------------------------------------------------


def size(settings: Settings) -> Learning:
    return pictures.sized(settings, ("mnist", "faces"), Learning(judged=500, looks=41, steps=1000), looks=6)


def network(name: str, width: int) -> Network:
    """The paper's generators (section 4.2), each against a DCGAN critic."""
    dcgan = Dcgan(z_dim=64, width=width)
    return dcgan if name == "dcgan" else Mixed(Mlp(z_dim=64), dcgan)


def measure(unit: Unit, how: Learning) -> Numbers:
    method, name = unit.variant.split(", ")
    numbers: Numbers = {"steps": [], "estimate": [], "frechet": []}
    for now in judged(setting(method, network(name, how.width), how, unit.seed), how):
        if now.look.step < max(1, WARM_UP * how.steps):
            continue
        numbers["steps"].append(now.look.step)
        numbers["estimate"].append(float(np.mean([estimate(method, report) for report in now.look.recent])))
        numbers["frechet"].append(now.distance)
    numbers["correlation"] = rank_correlation(numbers["estimate"], numbers["frechet"])
    return numbers | ({"samples": as_text(now.fake[:SHOWN], columns=12)} if unit.seed == 0 else {})


def estimate(method: str, report: Report) -> float:
    """Of the distance, from the critic's loss: -L for WGAN, log 2 - L/2 for the GAN."""
    loss = float(report.d["real"] + report.d["fake"])
    return -loss if method == "wgan" else float(np.log(2)) - loss / 2


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    def found(method: str, name: str) -> tuple[float, ...]:
        runs = of(measured, f"{method}, {name}")
        return tuple(rank_correlation(run.numbers["estimate"], run.numbers["frechet"]) for run in runs)

    words = "Rank correlation of {}'s estimate with the distance of its samples, {} generator"
    wgan = [Part(words.format("WGAN", name), found("wgan", name), holds=0.7, fails=0.3) for name in GENERATORS]
    gan = [Part(words.format("the GAN", name), found("gan", name), holds=0.3, fails=0.7) for name in GENERATORS]
    return (*wgan, *gan)


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label

    made = figure("Does the critic's loss fall as the samples get nearer to real pictures?", 6.0)
    for row, method in zip(axes(made, 2, 2, sharex=True), METHODS, strict=True):
        for each, name in zip(row, GENERATORS, strict=True):
            runs = of(measured, f"{method}, {name}")
            steps = runs[0].numbers["steps"]
            estimates = [scaled(run.numbers["estimate"]) for run in runs]
            band(each, steps, [scaled(run.numbers["frechet"]) for run in runs], COLOURS[7], "distance to real pictures")
            band(each, steps, estimates, COLOURS[method == "gan"], f"{METHODS[method]} (from the loss)")
            found = spread([rank_correlation(run.numbers["estimate"], run.numbers["frechet"]) for run in runs])
            words = f"{method.upper()}, {name.upper()} generator:\ncorrelation {found}"
            left = "0: its least, 1: its most" if name == GENERATORS[0] else ""
            label(each, "generator steps" if method == "wgan" else "", left, words, legend=name == GENERATORS[0])
    return {"estimates": made, "samples": samples(measured)}


def scaled(curve: Sequence[float]) -> list[float]:
    """From 0, its least value, to 1, its most: so that two of different units lie over each other."""
    values = np.asarray(curve, dtype=np.float64)
    return [float(value) for value in (values - values.min()) / max(float(np.ptp(values)), 1e-30)]


def samples(measured: Sequence[Measurement]) -> Figure:
    from ganache.claims.drawing import figure, tiles

    made = figure("Samples of the first seed at the end", 2.4)
    for each, variant in zip(made.subplots(2, 2).flat, variants(measured), strict=True):
        tiles(each, of(measured, variant)[0].numbers["samples"], f"{variant.upper()} generator")
    return made


CLAIM = Claim(
    name="loss-and-quality",
    number=2,
    says="The loss of WGAN's critic falls as the samples get better, so it tells how far training is; the loss of a "
    "GAN's discriminator does not.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.2, figures 3 and 4",
    protocol="A GAN and a WGAN, each with a generator of fully connected layers (4 of 512 ReLU units) and with a "
    "DCGAN's, learn the same pictures at 32x32 (MNIST or faces where given, else 8x8 digits, else drawn faces). The "
    "critic is a DCGAN's in all four, with 16 channels next to the picture where the paper has 64. At 37 points of "
    "1,000 generator steps, the first tenth left out, the critic's loss over the last 20 steps is turned into its "
    "estimate: of the Wasserstein distance, -L, or of the Jensen-Shannon divergence, log 2 - L/2. Beside it stands "
    "the Frechet distance of 500 samples to pictures that no training has seen, by features that training has not "
    "seen either: of a classifier taught with other held-out labels, or of a fixed random network where there are "
    "no labels. Spearman's rank correlation of the two must be at least 0.7 for WGAN (at most 0.3 fails), and at most "
    "0.3 for the GAN (0.7 or more fails), with either generator.",
    size=size,
    variants=lambda how: tuple(f"{method}, {name}" for name in GENERATORS for method in METHODS),
    measure=measure,
    judge=judge,
    draw=draw,
)
