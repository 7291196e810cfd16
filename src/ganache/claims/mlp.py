"""Claim 4: with a generator of fully connected layers WGAN learns, the GAN loses variety."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, of, values
from ganache.claims.pictures import Learning, Mixed, learn, setting
from ganache.claims.verdict import Part
from ganache.networks import Dcgan, Mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"GAN": "gan", "WGAN": "wgan"}


# ---- the experiment ------------------------------------------------------------------------------------------------


def size(settings: Settings) -> Learning:
    return pictures.sized(settings, ("mnist", "faces"), Learning())


def measure(unit: Unit, how: Learning) -> Numbers:
    pair = Mixed(Mlp(z_dim=64, hidden=512, layers=4), Dcgan(z_dim=64, width=how.width))
    return learn(setting(METHODS[unit.variant], pair, how, unit.seed), how, unit.seed)


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    """The classes are judged where the pictures have labels."""
    learnt = ratios(values(measured, "WGAN", "frechet"), values(measured, "WGAN", "untrained"))
    kept = ratios(values(measured, "GAN", "coverage"), values(measured, "WGAN", "coverage"))
    parts = [
        Part("WGAN's Frechet distance as a share of that before training", learnt, holds=0.3, fails=0.7),
        Part("The GAN's coverage of real pictures as a share of WGAN's", kept, holds=0.7, fails=1.0),
    ]
    if all("bits" in each.numbers for each in measured):
        gan, wgan = (values(measured, name, "bits") for name in METHODS)
        more = tuple(w - g for g, w in zip(gan, wgan, strict=True))
        parts += [
            Part("Classes that WGAN reaches", values(measured, "WGAN", "classes"), holds=9, fails=7),
            Part("Bits of entropy over the classes that WGAN has more than the GAN", more, holds=0.1, fails=0.0),
        ]
    return tuple(parts)


def ratios(above: Sequence[float], below: Sequence[float]) -> tuple[float, ...]:
    return tuple(a / max(b, 1e-12) for a, b in zip(above, below, strict=True))


# ---- the figures ---------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import learning

    made = learning("A generator of 4 fully connected layers, under either method", measured)
    return {"learning": made, "variety": variety(measured)}


def variety(measured: Sequence[Measurement]) -> Figure:
    from ganache.claims.drawing import COLOURS, axes, figure, label

    panels = {"coverage": "coverage", "precision": "precision"}
    if "classes" in measured[0].numbers:
        panels |= {"classes": "classes reached", "bits": "entropy over classes"}
    made = figure("How much of the real pictures' variety the samples have", 2.8)
    for each, (name, words) in zip(axes(made, 1, len(panels))[0], panels.items(), strict=True):
        for place, (method, colour) in enumerate(zip(METHODS, COLOURS, strict=False)):
            found = [run.numbers[name] for run in of(measured, method)]
            each.bar(place, float(np.mean(found)), color=colour, alpha=0.6)
            each.plot([place] * len(found), found, "o", color="black", markersize=4)
        each.set_xticks(range(len(METHODS)), list(METHODS))
        label(each, "", "", words)
    words = "coverage: share of real pictures with a sample near; precision: share of samples near a real one"
    made.supxlabel(f"{words}; dots: seeds", fontsize=8)
    return made


CLAIM = Claim(
    name="mlp",
    number=4,
    says="With a generator of plain fully connected layers WGAN still makes good and varied samples; the GAN's lose "
    "their variety.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.3, figure 7",
    protocol="A generator of 4 hidden layers of 512 ReLU units, without normalisation, learns pictures at 32x32 (MNIST "
    "or faces where given, else 8x8 digits, else drawn faces) against DCGAN's critic (16 channels next to the picture "
    "where the paper has 64), with the GAN's loss and Adam at 2e-4, momentum 0.5, and with WGAN's loss, clipping to "
    "±0.01, RMSProp at 5e-5 and 5 critic steps. Both get 1,200 generator steps with batches of 64. Measured on 1,000 "
    "samples: the Frechet distance to pictures that no training has seen, by features of a classifier taught with "
    "other held-out labels (of a fixed random network where there are none), coverage, and with labels how many "
    "classes are reached (a quarter of their share) and the entropy over them. WGAN must come to at most 0.3 of the "
    "untrained distance and to 9 classes; the GAN must cover at most 0.7 of what WGAN covers, and have 0.1 bits less. "
    "It fails where WGAN stays above 0.7 or reaches 7 classes or fewer, or where the GAN is as varied as WGAN.",
    size=size,
    variants=lambda how: tuple(METHODS),
    measure=measure,
    judge=judge,
    draw=draw,
)
