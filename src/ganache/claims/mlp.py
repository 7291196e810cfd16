"""Claim 4: with a fully connected generator WGAN learns, and the GAN loses variety."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, ratios, runs_of, values
from ganache.claims.pictures import MixedPair, PictureTraining, picture_config, train_and_score
from ganache.claims.verdict import Control, Part
from ganache.networks import Dcgan, Mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"GAN": "gan", "WGAN": "wgan"}
GOOD_GAN = "GAN with DCGAN's generator"


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> PictureTraining:
    return pictures.choose_size(settings, ("mnist", "faces"), PictureTraining())


def measure(unit: Unit, size: PictureTraining) -> Numbers:
    dcgan = Dcgan(z_dim=64, width=size.width)
    generator = dcgan if unit.variant == GOOD_GAN else Mlp(z_dim=64, hidden=512, layers=4)
    method = METHODS.get(unit.variant, "gan")
    pair = MixedPair(generator, dcgan)
    return train_and_score(picture_config(method, pair, size, unit.seed), size, unit.seed)


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    """Judge the coverage, and if the pictures have labels, also the entropy over the classes."""
    kept = ratios(values(measured, "GAN", "coverage"), values(measured, "WGAN", "coverage"))
    parts = [Part("Coverage of real pictures by the GAN, divided by that of WGAN", kept, holds=0.7, fails=1.0)]
    if has_labels(measured):
        gan, wgan = (values(measured, name, "bits") for name in METHODS)
        more = tuple(w - g for g, w in zip(gan, wgan, strict=True))
        parts += [Part("Entropy over the classes, of WGAN minus that of the GAN, in bits", more, holds=0.1, fails=0.0)]
    return tuple(parts)


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    """WGAN must have learnt, as the claim says that it does; and the GAN with another generator, in as many steps."""
    slow = "While WGAN's generator has not learnt, there is no variety to compare with."
    found = pictures.learnt(measured, ["WGAN"], pictures.LEARNT, slow)
    if has_labels(measured):
        found += (Control("Classes that WGAN reaches", values(measured, "WGAN", "classes"), 8, slow, at_least=True),)
    reason = "The GAN must be able to learn in as many steps: else what it lacks is training."
    return found + pictures.learnt(measured, [GOOD_GAN], pictures.GOOD, reason)


def has_labels(measured: Sequence[Measurement]) -> bool:
    return all("bits" in run.numbers for run in measured)


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
    protocol="A generator of 4 hidden layers of 512 ReLU units, without normalisation, is trained on pictures of "
    "32x32 (MNIST or faces if given, else digits of 8x8, else drawn faces) with DCGAN's critic (16 channels in the "
    "layer next to the picture; the paper has 64): once with the GAN's loss and Adam at 2e-4, momentum 0.5; once with"
    " WGAN's loss, clipping to ±0.01, RMSProp at 5e-5 and 5 critic steps. Both get 1,200 generator steps with batches"
    " of 64. The measures on 1,000 samples are: the Frechet distance to pictures that no training has seen, in the "
    "features of a classifier trained on other held-out labels (without labels: of a fixed random network); coverage;"
    " and with labels the number of classes that are reached (with at least a quarter of their share) and the entropy"
    " over the classes. Before the claim is judged, WGAN must reach at most 0.3 of the untrained distance and 8 "
    "classes, and the GAN with DCGAN's generator a fifth of that distance. The GAN must then have at most 0.7 of "
    "WGAN's coverage, and 0.1 bits less entropy. The claim fails if it is as varied as WGAN.",
    size=choose_size,
    variants=lambda size: (*METHODS, GOOD_GAN),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
