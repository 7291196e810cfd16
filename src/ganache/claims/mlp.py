"""Claim 4: with a fully connected generator WGAN learns, and the GAN loses variety."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, runs_of, values
from ganache.claims.pictures import MixedPair, PictureTraining, picture_config, train_and_score
from ganache.claims.verdict import Part
from ganache.networks import Dcgan, Mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"GAN": "gan", "WGAN": "wgan"}


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> PictureTraining:
    return pictures.choose_size(settings, ("mnist", "faces"), PictureTraining())


def measure(unit: Unit, size: PictureTraining) -> Numbers:
    pair = MixedPair(Mlp(z_dim=64, hidden=512, layers=4), Dcgan(z_dim=64, width=size.width))
    return train_and_score(picture_config(METHODS[unit.variant], pair, size, unit.seed), size, unit.seed)


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    """Judge distances and coverage, and if the pictures have labels, also the classes."""
    learnt = ratios(values(measured, "WGAN", "frechet"), values(measured, "WGAN", "untrained"))
    kept = ratios(values(measured, "GAN", "coverage"), values(measured, "WGAN", "coverage"))
    parts = [
        Part("Frechet distance of WGAN as a share of that before training", learnt, holds=0.3, fails=0.7),
        Part("Coverage of real pictures by the GAN, divided by that of WGAN", kept, holds=0.7, fails=1.0),
    ]
    if all("bits" in run.numbers for run in measured):
        gan, wgan = (values(measured, name, "bits") for name in METHODS)
        more = tuple(w - g for g, w in zip(gan, wgan, strict=True))
        parts += [
            Part("Classes that WGAN reaches", values(measured, "WGAN", "classes"), holds=9, fails=7),
            Part("Entropy over the classes, of WGAN minus that of the GAN, in bits", more, holds=0.1, fails=0.0),
        ]
    return tuple(parts)


def ratios(above: Sequence[float], below: Sequence[float]) -> tuple[float, ...]:
    return tuple(a / max(b, 1e-12) for a, b in zip(above, below, strict=True))


# ---- the figures ---------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import learning

    fig = learning("A generator of 4 fully connected layers, with both methods", measured)
    return {"learning": fig, "variety": variety(measured)}


def variety(measured: Sequence[Measurement]) -> Figure:
    from ganache.claims.drawing import COLOURS, axes, figure, label

    panels = {"coverage": "coverage", "precision": "precision"}
    if "classes" in measured[0].numbers:
        panels |= {"classes": "classes reached", "bits": "entropy over classes"}
    fig = figure("The variety of the samples, compared with real pictures", 2.8)
    for ax, (name, words) in zip(axes(fig, 1, len(panels))[0], panels.items(), strict=True):
        for place, (method, colour) in enumerate(zip(METHODS, COLOURS, strict=False)):
            found = [run.numbers[name] for run in runs_of(measured, method)]
            ax.bar(place, float(np.mean(found)), color=colour, alpha=0.6)
            ax.plot([place] * len(found), found, "o", color="black", markersize=4)
        ax.set_xticks(range(len(METHODS)), list(METHODS))
        label(ax, "", "", words)
    words = "coverage: share of real pictures with a sample nearby; precision: share of samples near a real picture"
    fig.supxlabel(f"{words}; dots: seeds", fontsize=8)
    return fig


CLAIM = Claim(
    name="mlp",
    number=4,
    statement="With a generator of plain fully connected layers, WGAN still generates good and varied samples; those "
    "of the GAN lose their variety.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.3, figure 7",
    protocol="A generator of 4 hidden layers of 512 ReLU units, without normalisation, is trained on pictures of 32x32 "
    "(MNIST or faces if given, else digits of 8x8, else drawn faces) with DCGAN's critic (16 channels in the layer "
    "next to the picture; the paper has 64): once with the GAN's loss and Adam at 2e-4, momentum 0.5; once with "
    "WGAN's loss, clipping to ±0.01, RMSProp at 5e-5 and 5 critic steps. Both get 1,200 generator steps with batches "
    "of 64. The measures on 1,000 samples are: the Frechet distance to pictures that no training has seen, in the "
    "features of a classifier trained on other held-out labels (without labels: of a fixed random network); coverage; "
    "and with labels the number of classes that are reached (with at least a quarter of their share) and the entropy "
    "over the classes. WGAN must reach at most 0.3 of the untrained distance, and 9 classes; the GAN must have at "
    "most 0.7 of WGAN's coverage, and 0.1 bits less entropy. The claim fails if WGAN stays above 0.7 of the untrained "
    "distance or reaches 7 classes or fewer, or if the GAN is as varied as WGAN.",
    size=choose_size,
    variants=lambda size: tuple(METHODS),
    measure=measure,
    judge=judge,
    draw=draw,
)
