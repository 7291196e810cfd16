"""Claim 9: with the paper's networks, both WGAN and DCGAN generate good samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, values
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
    return (Part("The larger Frechet distance divided by the smaller", ratio, holds=2.0, fails=4.0),)


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    reason = "Above a fifth of the first distance, samples are blurs: neither good nor comparable."
    return pictures.learnt(measured, tuple(METHODS), pictures.GOOD, reason)


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
    "labels: of a classifier trained on held-out labels). Before the claim is judged, both must reach at most a fifth "
    "of the untrained distance. The larger distance must then be at most twice the smaller; the claim fails if it is "
    "four times the smaller.",
    size=choose_size,
    variants=lambda size: tuple(METHODS),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
