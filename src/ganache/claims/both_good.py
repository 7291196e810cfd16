"""Claim 9: with the paper's networks both WGAN and DCGAN make good samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, values
from ganache.claims.pictures import Learning, learn, setting
from ganache.claims.verdict import Part
from ganache.networks import Dcgan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"DCGAN": "gan", "WGAN": "wgan"}


# ---- the experiment ------------------------------------------------------------------------------------------------


def size(settings: Settings) -> Learning:
    return pictures.sized(settings, ("faces", "mnist"), Learning())


def measure(unit: Unit, how: Learning) -> Numbers:
    pair = Dcgan(z_dim=64, width=how.width)
    numbers = learn(setting(METHODS[unit.variant], pair, how, unit.seed), how, unit.seed)
    return numbers | ({"real": pictures.real_samples(how)} if unit.seed == 0 else {})


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    gan, wgan = (values(measured, name, "frechet") for name in METHODS)
    untrained = values(measured, "DCGAN", "untrained")
    apart = tuple(max(g, w) / max(min(g, w), 1e-12) for g, w in zip(gan, wgan, strict=True))
    parts = [Part("The larger of both Frechet distances over the smaller", apart, holds=2.0, fails=4.0)]
    for name, found in (("DCGAN", gan), ("WGAN", wgan)):
        learnt = tuple(f / max(u, 1e-12) for f, u in zip(found, untrained, strict=True))
        words = f"{name}'s Frechet distance as a share of that before training"
        parts.append(Part(words, learnt, holds=0.2, fails=0.5))
    return tuple(parts)


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import learning

    real = next(each.numbers["real"] for each in measured if "real" in each.numbers)
    return {"learning": learning("The paper's networks, with batch norm, under either method", measured, real)}


CLAIM = Claim(
    name="both-good",
    number=9,
    says="With the networks that DCGAN's authors found, batch norm included, GAN and WGAN both make good samples.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.3, figure 5",
    protocol="Radford's DCGAN pair (16 channels next to the picture, where the paper has 64) learns pictures at 32x32 "
    "(faces or MNIST where given, else drawn faces), once with the GAN's loss and Adam at 2e-4, momentum 0.5, once "
    "with WGAN's loss, clipping to ±0.01, RMSProp at 5e-5 and 5 critic steps. Both get 1,200 generator steps with "
    "batches of 64; a step of WGAN's costs three times as much. Compared is the Frechet distance of 1,000 samples to "
    "pictures that no training has seen, by features of a fixed random network (of a classifier taught with held-out "
    "labels, where there are labels). Both must come to at most a fifth of the untrained distance, and neither may be "
    "more than twice as far from the real pictures as the other; it fails where one stays above half, or is four "
    "times as far.",
    size=size,
    variants=lambda how: tuple(METHODS),
    measure=measure,
    judge=judge,
    draw=draw,
)
