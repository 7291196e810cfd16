"""Claim 10: four changes turn a GAN into a WGAN: no sigmoid, no log, clipping, no momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, nearest, ratios, runs_of, shares, variants
from ganache.claims.pictures import PictureTraining, picture_config, train_and_score
from ganache.claims.verdict import Control, Part
from ganache.config.sections import OptimiserConfig
from ganache.functional.losses import gan_fake, gan_real, wasserstein_fake, wasserstein_real
from ganache.methods import Wgan
from ganache.networks import Dcgan
from ganache.types import Critic, Generator, Terms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATE, CLIP = 2e-4, 0.01
MOMENTUM = OptimiserConfig("adam", lr=RATE, beta1=0.5)
NO_MOMENTUM = OptimiserConfig("rmsprop", lr=RATE, beta2=0.99)

ScoreTransform = Literal["log of the sigmoid", "sigmoid", "raw"]


@dataclass(frozen=True)
class Intermediate(Wgan):
    """Methods between the GAN and WGAN: the loss uses -log sigmoid(D), sigmoid(D), or the score D itself."""

    transform: ScoreTransform = "raw"

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return {"real": self.real(D(real)), "fake": self.fake(D(G(z)))}

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return {"fake": self.real(D(G(z)))}

    def real(self, scores: Tensor) -> Tensor:
        """Return a loss that is small if the scores [B] say "real"."""
        if self.transform == "log of the sigmoid":
            return gan_real(scores)
        return wasserstein_real(torch.sigmoid(scores) if self.transform == "sigmoid" else scores)

    def fake(self, scores: Tensor) -> Tensor:
        """Return a loss that is small if the scores [B] say "fake"."""
        if self.transform == "log of the sigmoid":
            return gan_fake(scores)
        return wasserstein_fake(torch.sigmoid(scores) if self.transform == "sigmoid" else scores)


VARIANTS: dict[str, tuple[Intermediate, OptimiserConfig]] = {
    "GAN": (Intermediate(None, "log of the sigmoid"), MOMENTUM),
    "GAN, no log": (Intermediate(None, "sigmoid"), MOMENTUM),
    "GAN, no log, no sigmoid": (Intermediate(None, "raw"), MOMENTUM),
    "WGAN with momentum": (Intermediate(CLIP, "raw"), MOMENTUM),
    "WGAN": (Intermediate(CLIP, "raw"), NO_MOMENTUM),
    "WGAN with sigmoid": (Intermediate(CLIP, "sigmoid"), NO_MOMENTUM),
    "WGAN with sigmoid and log": (Intermediate(CLIP, "log of the sigmoid"), NO_MOMENTUM),
    "WGAN without clipping": (Intermediate(None, "raw"), NO_MOMENTUM),
}
"""From the GAN to WGAN one change at a time, then WGAN with one change undone; the fourth belongs to both series."""
UNDONE = ("WGAN with momentum", "WGAN with sigmoid", "WGAN with sigmoid and log", "WGAN without clipping")


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> PictureTraining:
    return pictures.choose_size(
        settings, ("faces", "mnist"), PictureTraining(num_samples=500, snapshots=11, steps=5_000), snapshots=2, steps=4
    )


def measure(unit: Unit, size: PictureTraining) -> Numbers:
    method, optimiser = VARIANTS[unit.variant]
    settings = picture_config("gan", Dcgan(z_dim=64, width=size.width), size, unit.seed)
    settings = replace(settings, method=method, critic_optimiser=optimiser, generator_optimiser=optimiser)
    numbers = train_and_score(settings, size, unit.seed)
    nothing = pictures.BOUNDS[numbers["features"]].nothing
    return numbers | {"diverged": float(not numbers["frechet"] < nothing * numbers["untrained"])}


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    distance = {name: nearest(measured, name) for name in variants(measured)}
    bounds = pictures.bounds(measured)
    best = [min(seed) for seed in zip(*(distance[name] for name in UNDONE), strict=True)]
    words = "Frechet distance of WGAN as a share of that before training"
    return (
        Part(words, shares(measured, "WGAN"), bounds.learnt, bounds.nothing),
        Part(
            "Frechet distance of WGAN, divided by that of the GAN", ratios(distance["WGAN"], distance["GAN"]), 1.0, 1.5
        ),
        Part(
            "Frechet distance of the best WGAN with one change undone, divided by that of WGAN",
            ratios(best, distance["WGAN"]),
            holds=1.1,
            fails=1.0,
        ),
    )


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    reason = "In as many steps, the GAN from which the changes begin must draw good pictures: else they are too few."
    return pictures.learnt(measured, ["GAN"], pictures.bounds(measured).good, reason)


# ---- the figures ---------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    import numpy as np

    from ganache.claims.drawing import COLOURS, axes, figure, label, logarithmic, tiles

    fig = figure("How far from real pictures the samples end, from GAN to WGAN and around WGAN", 3.8)
    (ax,) = axes(fig, 1, 1)[0]
    names = variants(measured)
    for row, name in enumerate(names):
        runs = runs_of(measured, name)
        colour = COLOURS[0] if name == "WGAN" else COLOURS[1] if name in UNDONE else COLOURS[2]
        found = np.array(nearest(measured, name))
        found = found[np.isfinite(found)]
        ax.plot(found, [row] * len(found), "|", color=colour, markersize=12)
        ax.plot(found.mean() if len(found) else np.nan, row, "o", color=colour)
        lost = int(sum(run.numbers["diverged"] for run in runs))
        if lost:
            words = f"{lost} of {len(runs)} diverged"
            ax.annotate(words, (0.98, row), xycoords=("axes fraction", "data"), ha="right", va="center", fontsize=8)
    ax.axvline(runs_of(measured, "WGAN")[0].numbers["untrained"], color="black", linestyle=":", linewidth=1)
    logarithmic(ax, "x")
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    label(ax, "Frechet distance above real pictures' (low is good)", "")
    words = (
        "strokes: seeds, dot: mean, dotted: before training; green: towards WGAN, red: WGAN with a change taken back"
    )
    fig.supxlabel(words, fontsize=8)
    shown = figure("The first seed's samples at the end", 3.2)
    for tile, name in zip(shown.subplots(2, 4).flat, names, strict=True):
        tiles(tile, runs_of(measured, name)[0].numbers["samples"], "")
        tile.set_title(name, fontsize=7)
    return {"distances": fig, "samples": shown}


CLAIM = Claim(
    name="four-changes",
    number=10,
    statement="Four changes turn a GAN into a WGAN: no sigmoid at the end of the critic, no log in the loss, clipped "
    "weights, no momentum. They suffice, and each one matters.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, algorithm 1 and section 4; the WGAN article's list",
    protocol="DCGAN's pair (16 channels in the layer next to the picture) is trained on pictures of 32x32 (faces or "
    "MNIST if given, else drawn faces) in eight ways. All have one critic step per generator step, batches of 64, "
    "rate 2e-4 and 5,000 steps; only the four changes differ. A log needs the positive numbers of the sigmoid, so "
    "starting from the GAN the log goes first, and WGAN gets it back together with the sigmoid. With momentum means "
    "Adam with 0.5, without means RMSProp. Before the claim is judged, the GAN must reach a distance called good. "
    "WGAN must then reach one called learnt (it fails if there is nothing of the pictures), and at most that of the "
    "GAN (1.5 times as large fails). The best of the four WGANs with one change undone must have a distance at least "
    "1.1 times that of WGAN (1.0 or less fails). " + pictures.RULER,
    size=choose_size,
    variants=lambda size: tuple(VARIANTS),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
    cost_group=lambda variant: "any",
)
