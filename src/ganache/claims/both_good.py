"""Claim 9: with the paper's networks, both WGAN and DCGAN generate good samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, at_rest, nearest, runs_of, shares
from ganache.claims.pairs import FACES, GAN_DCGAN, WGAN_DCGAN, measure
from ganache.claims.verdict import Control, Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"DCGAN": GAN_DCGAN, "WGAN": WGAN_DCGAN}


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    pairs = zip(*(nearest(measured, variant) for variant in METHODS.values()), strict=True)
    ratio = tuple(max(pair) / min(pair) for pair in pairs)
    parts = [Part("The larger Frechet distance divided by the smaller", ratio, holds=1.5, fails=2.0)]
    good, nothing = pictures.bounds(measured).good, pictures.bounds(measured).nothing
    words = "Frechet distance of {} as a share of that before training"
    parts += [Part(words.format(name), shares(measured, variant), good, nothing) for name, variant in METHODS.items()]
    return tuple(parts)


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    """What is not good must have come to rest, so that more steps would not make it good."""

    good = pictures.bounds(measured).good

    def rest(variant: str) -> tuple[float, ...]:
        curves = [run.numbers["frechet_through_training"] for run in runs_of(measured, variant)]
        reached = shares(measured, variant)
        return tuple(
            1.0 if share <= good or not math.isfinite(share) else at_rest(curve, len(curve) // 3)
            for share, curve in zip(reached, curves, strict=True)
        )

    reason = "While a method that does not draw good pictures still improves, it may come to draw them."
    words = "Frechet distance of {} in the last third of the steps, divided by that in the third before (good: 1)"
    return tuple(Control(words.format(name), rest(each), 0.8, reason, at_least=True) for name, each in METHODS.items())


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import learning

    chosen = [run for run in measured if run.unit.variant in METHODS.values()]
    return {"learning": learning("The paper's networks, with batch norm, with both methods", chosen)}


CLAIM = Claim(
    name="both-good",
    number=9,
    statement="With DCGAN's networks, batch norm included, GAN and WGAN both generate good samples.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.3, figure 5",
    protocol="The trainings are those of the claim no-batch-norm with Radford's DCGAN pair (16 channels in the layer "
    "next to the picture; the paper has 64). Both methods get as many generator steps; a step of WGAN costs three "
    "times as much. Both must reach a distance called good, and the larger distance must be at most 1.5 times the "
    "smaller. The claim fails if one method shows nothing of the pictures, or if the larger distance is twice the "
    "smaller. Before it is judged, what is not good must have come to rest: its distance in the last third must be "
    "at least 0.8 of that in the third before. " + pictures.RULER,
    experiment=FACES.name,
    size=FACES.size,
    variants=FACES.variants,
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
