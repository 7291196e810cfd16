"""Claim 2: the Wasserstein estimate follows the quality of the samples, the GAN's Jensen-Shannon estimate does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganache.claims import pictures
from ganache.claims.claim import (
    Claim,
    Measurement,
    Numbers,
    Settings,
    Unit,
    rank_correlation,
    ratios,
    runs_of,
    variants,
)
from ganache.claims.pictures import SHOWN, MixedPair, PictureTraining, picture_config, png_base64, scored_snapshots
from ganache.claims.verdict import Control, Part, spread
from ganache.networks import Dcgan, Mlp, Network
from ganache.training.state import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"gan": "Jensen-Shannon estimate", "wgan": "Wasserstein estimate"}
"""Method -> the distance that the loss of its critic estimates."""
GENERATORS = ("mlp", "dcgan")
WARM_UP = 0.1
"""Share of the training that is left out: at first the loss shows the progress of the critic, not of the samples."""


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> PictureTraining:
    return pictures.choose_size(
        settings, ("mnist", "faces"), PictureTraining(num_samples=500, snapshots=41, steps=1000), snapshots=6
    )


def network(name: str, width: int) -> Network:
    """Return one of the paper's generators (section 4.2), with a DCGAN critic."""
    dcgan = Dcgan(z_dim=64, width=width)
    return dcgan if name == "dcgan" else MixedPair(Mlp(z_dim=64), dcgan)


def measure(unit: Unit, size: PictureTraining) -> Numbers:
    method, name = unit.variant.split(", ")
    numbers: Numbers = {"steps": [], "estimate": [], "frechet": []}
    for scored in scored_snapshots(picture_config(method, network(name, size.width), size, unit.seed), size):
        numbers.setdefault("untrained", scored.frechet)
        if scored.snapshot.step < max(1, WARM_UP * size.steps):
            continue
        numbers["steps"].append(scored.snapshot.step)
        numbers["estimate"].append(float(np.mean([estimate(method, report) for report in scored.snapshot.recent])))
        numbers["frechet"].append(scored.frechet)
    numbers["correlation"] = rank_correlation(numbers["estimate"], numbers["frechet"])
    return numbers | ({"samples": png_base64(scored.samples[:SHOWN], columns=12)} if unit.seed == 0 else {})


def estimate(method: str, report: Report) -> float:
    """Return the estimate of the distance from the critic's loss L: -L for WGAN, log 2 - L/2 for the GAN."""
    loss = float(report.d["real"] + report.d["fake"])
    return -loss if method == "wgan" else float(np.log(2)) - loss / 2


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    def found(method: str, name: str) -> tuple[float, ...]:
        runs = runs_of(measured, f"{method}, {name}")
        return tuple(rank_correlation(run.numbers["estimate"], run.numbers["frechet"]) for run in runs)

    words = "Rank correlation between the estimate of {} and the distance of its samples, {} generator"
    wgan = [Part(words.format("WGAN", name), found("wgan", name), holds=0.7, fails=0.3) for name in GENERATORS]
    gan = [Part(words.format("the GAN", name), found("gan", name), holds=0.3, fails=0.7) for name in GENERATORS]
    return (*wgan, *gan)


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    """Each generator must have come nearer at some time: otherwise there is no progress that a loss could show."""

    def best(variant: str) -> tuple[float, ...]:
        every = [run.numbers for run in runs_of(measured, variant)]
        return ratios([min(n["frechet"]) for n in every], [n["untrained"] for n in every])

    reason = "Of a generator whose samples never improve, no loss can follow the improvement."
    words = "Smallest Frechet distance of {}, as a share of that before training"
    return tuple(Control(words.format(each), best(each), pictures.LEARNT, reason) for each in variants(measured))


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label

    fig = figure("Does the critic's loss fall as the samples get closer to real pictures?", 6.0)
    for row, method in zip(axes(fig, 2, 2, sharex=True), METHODS, strict=True):
        for ax, name in zip(row, GENERATORS, strict=True):
            runs = runs_of(measured, f"{method}, {name}")
            steps = runs[0].numbers["steps"]
            estimates = [scaled(run.numbers["estimate"]) for run in runs]
            band(ax, steps, [scaled(run.numbers["frechet"]) for run in runs], COLOURS[7], "distance to real pictures")
            band(ax, steps, estimates, COLOURS[method == "gan"], f"{METHODS[method]} (from the loss)")
            found = spread([rank_correlation(run.numbers["estimate"], run.numbers["frechet"]) for run in runs])
            words = f"{method.upper()}, {name.upper()} generator:\ncorrelation {found}"
            left = "scaled to 0 ... 1" if name == GENERATORS[0] else ""
            label(ax, "generator steps" if method == "wgan" else "", left, words, legend=name == GENERATORS[0])
    return {"estimates": fig, "samples": samples(measured)}


def scaled(curve: Sequence[float]) -> list[float]:
    """Return the curve scaled to [0, 1], so that curves of different units can share a figure."""
    values = np.asarray(curve, dtype=np.float64)
    return [float(value) for value in (values - values.min()) / max(float(np.ptp(values)), 1e-30)]


def samples(measured: Sequence[Measurement]) -> Figure:
    from ganache.claims.drawing import figure, tiles

    fig = figure("Samples of the first seed at the end", 2.4)
    for ax, variant in zip(fig.subplots(2, 2).flat, variants(measured), strict=True):
        tiles(ax, runs_of(measured, variant)[0].numbers["samples"], f"{variant.upper()} generator")
    return fig


CLAIM = Claim(
    name="loss-and-quality",
    number=2,
    statement="The loss of WGAN's critic falls as the samples improve, so it shows the progress of training; the loss "
    "of a GAN's discriminator does not.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.2, figures 3 and 4",
    protocol="A GAN and a WGAN, each with a generator of fully connected layers (4 of 512 ReLU units) and with DCGAN's "
    "generator, are trained on the same pictures of 32x32 (MNIST or faces if given, else digits of 8x8, else drawn "
    "faces). The critic is DCGAN's in all four trainings, with 16 channels in the layer next to the picture (the "
    "paper has 64). At 37 points of 1,000 generator steps, without the first tenth, the mean critic loss L of the "
    "last 20 steps gives an estimate: -L of the Wasserstein distance, log 2 - L/2 of the Jensen-Shannon divergence. "
    "It is compared with the Frechet distance of 500 samples to pictures that no training has seen, in features that "
    "are independent of the training: of a classifier trained on other held-out labels, or of a fixed random network "
    "if there are no labels. With either generator, Spearman's rank correlation of the two must be at least 0.7 for "
    "WGAN (0.3 or less fails) and at most 0.3 for the GAN (0.7 or more fails).",
    size=choose_size,
    variants=lambda size: tuple(f"{method}, {name}" for name in GENERATORS for method in METHODS),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
