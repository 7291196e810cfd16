"""Claim 10: four changes turn a GAN into a WGAN: no sigmoid, no log, clipping, no momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, of, values, variants
from ganache.claims.pictures import Learning, learn, setting
from ganache.claims.verdict import Part
from ganache.config.sections import OptimiserConfig
from ganache.functional.losses import gan_fake, gan_real, wasserstein_fake, wasserstein_real
from ganache.methods import Wgan
from ganache.networks import Dcgan
from ganache.types import Critic, Generator, Terms

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RATE, CLIP = 2e-4, 0.01
MOMENTUM = OptimiserConfig("adam", lr=RATE, beta1=0.5)
NONE = OptimiserConfig("rmsprop", lr=RATE, beta2=0.99)

Reading = Literal["log of the sigmoid", "sigmoid", "raw"]


@dataclass(frozen=True)
class Between(Wgan):
    """What lies between the GAN and WGAN: a critic's score D is read as -log s(D), as s(D) or as it is."""

    reading: Reading = "raw"

    def d_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return {"real": self.real(D(real)), "fake": self.fake(D(G(z)))}

    def g_terms(self, G: Generator, D: Critic, real: Tensor, z: Tensor) -> Terms:
        return {"fake": self.real(D(G(z)))}

    def real(self, scores: Tensor) -> Tensor:
        """Small where scores [B] call their pictures real."""
        if self.reading == "log of the sigmoid":
            return gan_real(scores)
        return wasserstein_real(torch.sigmoid(scores) if self.reading == "sigmoid" else scores)

    def fake(self, scores: Tensor) -> Tensor:
        """Small where scores [B] call their pictures fake."""
        if self.reading == "log of the sigmoid":
            return gan_fake(scores)
        return wasserstein_fake(torch.sigmoid(scores) if self.reading == "sigmoid" else scores)


VARIANTS: dict[str, tuple[Between, OptimiserConfig]] = {
    "GAN": (Between(None, "log of the sigmoid"), MOMENTUM),
    "GAN, no log": (Between(None, "sigmoid"), MOMENTUM),
    "GAN, no log, no sigmoid": (Between(None, "raw"), MOMENTUM),
    "WGAN with momentum": (Between(CLIP, "raw"), MOMENTUM),
    "WGAN": (Between(CLIP, "raw"), NONE),
    "WGAN with sigmoid": (Between(CLIP, "sigmoid"), NONE),
    "WGAN with sigmoid and log": (Between(CLIP, "log of the sigmoid"), NONE),
    "WGAN without clipping": (Between(None, "raw"), NONE),
}
"""From the GAN to WGAN a change at a time, then WGAN with one taken back; the fourth belongs to both rows."""
TAKEN_BACK = ("WGAN with momentum", "WGAN with sigmoid", "WGAN with sigmoid and log", "WGAN without clipping")
LOST = 0.9
"""A training whose samples end farther than this share of the untrained distance counts as diverged."""


# ---- the experiment ------------------------------------------------------------------------------------------------


def size(settings: Settings) -> Learning:
    return pictures.sized(settings, ("faces", "mnist"), Learning(looks=7, steps=1000), looks=2, steps=4)


def measure(unit: Unit, how: Learning) -> Numbers:
    method, optimiser = VARIANTS[unit.variant]
    settings = setting("gan", Dcgan(z_dim=64, width=how.width), how, unit.seed)
    settings = replace(settings, method=method, critic_optimiser=optimiser, generator_optimiser=optimiser)
    numbers = learn(settings, how, unit.seed)
    return numbers | {"diverged": float(not numbers["frechet"] < LOST * numbers["untrained"])}


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    distance = {name: values(measured, name, "frechet") for name in variants(measured)}

    def ratio(above: Sequence[float], below: Sequence[float]) -> tuple[float, ...]:
        return tuple(a / max(b, 1e-12) for a, b in zip(above, below, strict=True))

    nearest = [min(seed) for seed in zip(*(distance[name] for name in TAKEN_BACK), strict=True)]
    return (
        Part("Whether WGAN diverges (1 for yes)", values(measured, "WGAN", "diverged"), holds=0.0, fails=1.0),
        Part("WGAN's Frechet distance as a share of the GAN's", ratio(distance["WGAN"], distance["GAN"]), 1.0, 2.0),
        Part(
            "Frechet distance of the best WGAN with a change taken back, as a share of WGAN's",
            ratio(nearest, distance["WGAN"]),
            holds=1.1,
            fails=1.0,
        ),
    )


# ---- the figures ---------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    import numpy as np

    from ganache.claims.drawing import COLOURS, axes, figure, label, logarithmic, tiles

    made = figure("How far from real pictures the samples end, from GAN to WGAN and around WGAN", 3.8)
    (each,) = axes(made, 1, 1)[0]
    names = variants(measured)
    for row, name in enumerate(names):
        runs = of(measured, name)
        colour = COLOURS[0] if name == "WGAN" else COLOURS[1] if name in TAKEN_BACK else COLOURS[2]
        found = np.array([run.numbers["frechet"] for run in runs])
        found = found[np.isfinite(found)]
        each.plot(found, [row] * len(found), "|", color=colour, markersize=12)
        each.plot(found.mean() if len(found) else np.nan, row, "o", color=colour)
        lost = int(sum(run.numbers["diverged"] for run in runs))
        if lost:
            words = f"{lost} of {len(runs)} diverged"
            each.annotate(words, (0.98, row), xycoords=("axes fraction", "data"), ha="right", va="center", fontsize=8)
    each.axvline(of(measured, "WGAN")[0].numbers["untrained"], color="black", linestyle=":", linewidth=1)
    logarithmic(each, "x")
    each.set_yticks(range(len(names)), names)
    each.invert_yaxis()
    label(each, "Frechet distance to held-out pictures (low is good)", "")
    words = (
        "strokes: seeds, dot: mean, dotted: before training; green: towards WGAN, red: WGAN with a change taken back"
    )
    made.supxlabel(words, fontsize=8)
    shown = figure("The first seed's samples at the end", 3.2)
    for tile, name in zip(shown.subplots(2, 4).flat, names, strict=True):
        tiles(tile, of(measured, name)[0].numbers["samples"], "")
        tile.set_title(name, fontsize=7)
    return {"distances": made, "samples": shown}


CLAIM = Claim(
    name="four-changes",
    number=10,
    says="Four changes turn a GAN into a WGAN: no sigmoid at the critic's end, no log in the loss, weights clipped, no "
    "momentum. They suffice, and each counts.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, algorithm 1 and section 4; the WGAN article's list",
    protocol="DCGAN's pair (16 channels next to the picture) learns pictures at 32x32 (faces or MNIST where given, "
    "else drawn faces) in eight ways, all with one critic step to a generator step, batches of 64, the rate 2e-4 and "
    "1,000 steps: nothing but the four changes differs. A log needs the sigmoid's positive numbers, so from the GAN on "
    "the log goes first, and it comes back to WGAN with the sigmoid. Momentum is Adam's with 0.5, none is RMSProp. "
    "Compared is the Frechet distance of 1,000 samples to pictures that no training has seen, by features of a fixed "
    "random network (of a classifier taught with held-out labels, where there are labels); a training diverges where "
    "it ends above 0.9 of the untrained distance. WGAN must not diverge and must come as near as the GAN (twice as far "
    "fails); and the best of the four WGANs with a change taken back must stay at least a tenth farther (one that is "
    "no farther fails).",
    size=size,
    variants=lambda how: tuple(VARIANTS),
    measure=measure,
    judge=judge,
    draw=draw,
    costs_like=lambda variant: "any",
)
