"""Claim 4: with a fully connected generator WGAN learns, and the GAN loses variety."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, ratios, runs_of, values
from ganache.claims.pairs import DIGITS, GAN_DCGAN, GAN_PLAIN, WGAN_DCGAN, WGAN_PLAIN, measure
from ganache.claims.verdict import Control, Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    """Judge the coverage, and if the pictures have labels, also the entropy over the classes."""
    kept = ratios(values(measured, GAN_PLAIN, "coverage"), values(measured, WGAN_PLAIN, "coverage"))
    parts = [Part("Coverage of real pictures by the GAN, divided by that of WGAN", kept, holds=0.7, fails=1.0)]
    if has_labels(measured):
        gan, wgan = (values(measured, name, "bits") for name in (GAN_PLAIN, WGAN_PLAIN))
        more = tuple(w - g for g, w in zip(gan, wgan, strict=True))
        parts += [Part("Entropy over the classes, of WGAN minus that of the GAN, in bits", more, holds=0.1, fails=0.0)]
    return tuple(parts)


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    """WGAN must have learnt, as the claim says that it does; and the GAN with another generator, in as many steps."""
    bounds = pictures.bounds(measured)
    slow = "While WGAN's generator has not learnt, there is no variety to compare with."
    found = pictures.learnt(measured, [WGAN_PLAIN], bounds.learnt, slow)
    if has_labels(measured):
        classes = values(measured, WGAN_PLAIN, "classes")
        found += (Control("Classes that WGAN reaches", classes, 8, slow, at_least=True),)
    reason = "The GAN must be able to learn in as many steps: else what it lacks is training."
    return found + pictures.learnt(measured, [GAN_DCGAN], bounds.good, reason)


def has_labels(measured: Sequence[Measurement]) -> bool:
    return all("bits" in run.numbers for run in measured)


# ---- the figures ---------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import learning

    chosen = [run for run in measured if run.unit.variant != WGAN_DCGAN]
    return {
        "learning": learning("A generator of 4 fully connected layers, with both methods", chosen),
        "variety": variety(chosen),
    }


def variety(measured: Sequence[Measurement]) -> Figure:
    from ganache.claims.drawing import COLOURS, axes, figure, label

    panels = {"coverage": "coverage", "precision": "precision"}
    if has_labels(measured):
        panels |= {"classes": "classes reached", "bits": "entropy over classes"}
    shown = {"GAN": GAN_PLAIN, "WGAN": WGAN_PLAIN}
    fig = figure("The variety of the samples, compared with real pictures", 2.8)
    for ax, (name, words) in zip(axes(fig, 1, len(panels))[0], panels.items(), strict=True):
        for place, (variant, colour) in enumerate(zip(shown.values(), COLOURS, strict=False)):
            found = [run.numbers[name] for run in runs_of(measured, variant)]
            ax.bar(place, float(np.mean(found)), color=colour, alpha=0.6)
            ax.plot([place] * len(found), found, "o", color="black", markersize=4)
        ax.set_xticks(range(len(shown)), list(shown))
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
    protocol="The trainings are those of the claim loss-and-quality. The generator in question has 4 hidden layers "
    "of 512 ReLU units, without normalisation. Compared are the coverage of real pictures by 1,000 samples and, with "
    "labels, the number of classes that are reached (with at least a quarter of their share) and the entropy over "
    "the classes. Before the claim is judged, WGAN must reach a distance called learnt and 8 classes, and the GAN "
    "with DCGAN's generator one called good. The GAN must then have at most 0.7 of WGAN's coverage, and 0.1 bits "
    "less entropy. The claim fails if it is as varied as WGAN. " + pictures.RULER,
    experiment=DIGITS.name,
    size=DIGITS.size,
    variants=DIGITS.variants,
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
