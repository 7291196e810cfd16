"""Claim 2: the Wasserstein estimate follows the quality of the samples, the GAN's Jensen-Shannon estimate does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganache.claims import pictures
from ganache.claims.claim import (
    Claim,
    Measurement,
    after_warm_up,
    best_shares,
    rank_correlation,
    runs_of,
    variants,
)
from ganache.claims.pairs import DCGAN, DIGITS, METHODS, PLAIN, measure
from ganache.claims.verdict import Control, Part, spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ESTIMATES = {"GAN": "Jensen-Shannon estimate", "WGAN": "Wasserstein estimate"}
"""Method -> the distance that the loss of its critic estimates."""


# ---- the judgement -------------------------------------------------------------------------------------------------


def correlations(measured: Sequence[Measurement], variant: str) -> tuple[float, ...]:
    """Return the rank correlation of estimate and distance, by seed."""
    curves = [after_warm_up(run.numbers, "estimate", "frechet_through_training") for run in runs_of(measured, variant)]
    return tuple(rank_correlation(estimates, distances) for _, estimates, distances in curves)


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    words = "Rank correlation between the estimate of {} and the distance of its samples, {}"
    bounds = {"WGAN": (0.7, 0.3), "GAN": (0.3, 0.7)}
    return tuple(
        Part(words.format(method, name), correlations(measured, f"{method}, {name}"), *bounds[method])
        for method in ("WGAN", "GAN")
        for name in (PLAIN, DCGAN)
    )


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    """Each generator must have come nearer at some time: otherwise there is no progress that a loss could show."""
    reason = "Of a generator whose samples never improve, no loss can follow the improvement."
    words = "Smallest Frechet distance of {}, as a share of that before training"
    bound = pictures.bounds(measured).learnt
    names = (f"{method}, {name}" for name in (PLAIN, DCGAN) for method in METHODS)
    return tuple(Control(words.format(each), best_shares(measured, each), bound, reason) for each in names)


# ---- the figures ---------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label

    fig = figure("Does the critic's loss fall as the samples get closer to real pictures?", 6.0)
    for row, (method, words) in zip(axes(fig, 2, 2, sharex=True), ESTIMATES.items(), strict=True):
        for ax, name in zip(row, (PLAIN, DCGAN), strict=True):
            variant = f"{method}, {name}"
            every = [run.numbers for run in runs_of(measured, variant)]
            curves = [after_warm_up(numbers, "estimate", "frechet_through_training") for numbers in every]
            steps = curves[0][0]
            band(ax, steps, [scaled(distances) for *_, distances in curves], COLOURS[7], "distance to real pictures")
            colour = COLOURS[method == "GAN"]
            band(ax, steps, [scaled(estimates) for _, estimates, _ in curves], colour, f"{words} (from the loss)")
            found = spread(correlations(measured, variant))
            left = "scaled to 0 ... 1" if name == PLAIN else ""
            below = "generator steps" if method == "WGAN" else ""
            label(ax, below, left, f"{variant}:\ncorrelation {found}", legend=name == PLAIN)
    return {"estimates": fig, "samples": samples(measured)}


def scaled(curve: Sequence[float]) -> list[float]:
    """Return the curve scaled to [0, 1], so that curves of different units can share a figure."""
    values = np.asarray(curve, dtype=np.float64)
    return [float(value) for value in (values - values.min()) / max(float(np.ptp(values)), 1e-30)]


def samples(measured: Sequence[Measurement]) -> Figure:
    from ganache.claims.drawing import side_by_side

    shown = {name: runs_of(measured, name)[0].numbers["samples"] for name in variants(measured)}
    return side_by_side("Samples of the first seed at the end, of the same latents", shown)


CLAIM = Claim(
    name="loss-and-quality",
    number=2,
    statement="The loss of WGAN's critic falls as the samples improve, so it shows the progress of training; the loss "
    "of a GAN's discriminator does not.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.2, figures 3 and 4",
    protocol="A GAN and a WGAN, each with a generator of fully connected layers (4 of 512 ReLU units) and with "
    "DCGAN's generator, are trained on the same pictures of 16x16 (MNIST or faces if given, else digits of 8x8, else "
    "drawn faces). The critic is DCGAN's in all four trainings, with 16 channels in the layer next to the picture "
    "(the paper has 64x64 and 64 channels). The GAN has Adam at 2e-4 with momentum 0.5; WGAN clips to ±0.01, with "
    "RMSProp at 5e-5 and 5 critic steps. At 37 points of 40,000 generator steps, without the first tenth, the mean "
    "critic loss L of the last 20 steps gives an estimate: -L of the Wasserstein distance, log 2 - L/2 of the "
    "Jensen-Shannon divergence. It is compared with the distance of 1,000 samples. Before the claim is judged, each "
    "training must at some time have come to a distance called learnt. With either generator, Spearman's rank "
    "correlation of the two must then be at least 0.7 for WGAN (0.3 or less fails) and at most 0.3 for the GAN (0.7 "
    "or more fails). " + pictures.RULER,
    experiment=DIGITS.name,
    size=DIGITS.size,
    variants=DIGITS.variants,
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
