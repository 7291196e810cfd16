"""Claim 9: with the paper's networks, both WGAN and DCGAN generate good samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, at_rest, runs_of, shares, values
from ganache.claims.pictures import PictureTraining, picture_config, train_and_score
from ganache.claims.verdict import Control, Part
from ganache.networks import Dcgan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"DCGAN": "gan", "WGAN": "wgan"}


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> PictureTraining:
    return pictures.choose_size(settings, ("faces", "mnist"), PictureTraining())


def measure(unit: Unit, size: PictureTraining) -> Numbers:
    pair = Dcgan(z_dim=64, width=size.width)
    numbers = train_and_score(picture_config(METHODS[unit.variant], pair, size, unit.seed), size, unit.seed)
    return numbers | ({"real": pictures.real_samples(size)} if unit.seed == 0 else {})


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    gan, wgan = (values(measured, name, "frechet") for name in METHODS)
    ratio = tuple(max(g, w) / max(min(g, w), 1e-12) for g, w in zip(gan, wgan, strict=True))
    parts = [Part("The larger Frechet distance divided by the smaller", ratio, holds=2.0, fails=4.0)]
    words = "Frechet distance of {} as a share of that before training"
    parts += [Part(words.format(name), shares(measured, name), holds=0.2, fails=0.5) for name in METHODS]
    return tuple(parts)


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    """What is not good must have come to rest, so that more steps would not make it good."""

    def rest(variant: str) -> tuple[float, ...]:
        curves = [run.numbers["frechet_through_training"] for run in runs_of(measured, variant)]
        reached = shares(measured, variant)
        return tuple(
            1.0 if share <= pictures.GOOD else at_rest(curve, len(curve) // 3)
            for share, curve in zip(reached, curves, strict=True)
        )

    reason = "While a method that does not draw good pictures still improves, it may come to draw them."
    words = "Frechet distance of {} in the last third of the steps, divided by that in the third before (good: 1)"
    return tuple(Control(words.format(name), rest(name), 0.8, reason, at_least=True) for name in METHODS)


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import learning

    real = next(run.numbers["real"] for run in measured if "real" in run.numbers)
    return {"learning": learning("The paper's networks, with batch norm, with both methods", measured, real)}


CLAIM = Claim(
    name="both-good",
    number=9,
    statement="With DCGAN's networks, batch norm included, GAN and WGAN both generate good samples.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.3, figure 5",
    protocol="Radford's DCGAN pair (16 channels in the layer next to the picture; the paper has 64) is trained on "
    "pictures of 32x32 (faces or MNIST if given, else drawn faces): once with the GAN's loss and Adam at 2e-4, "
    "momentum 0.5; once with WGAN's loss, clipping to ±0.01, RMSProp at 5e-5 and 5 critic steps. Both get 1,200 "
    "generator steps with batches of 64; a step of WGAN costs three times as much. The measure is the Frechet "
    "distance of 1,000 samples to pictures that no training has seen, in the features of a fixed random network (with "
    "labels: of a classifier trained on held-out labels). Both must reach at most a fifth of the untrained distance, "
    "and the larger distance must be at most twice the smaller. The claim fails if one stays above half of the "
    "untrained distance, or if the larger is four times the smaller. Before it is judged, what is not good must have "
    "come to rest: its distance in the last third must be at least 0.8 of that in the third before.",
    size=choose_size,
    variants=lambda size: tuple(METHODS),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
