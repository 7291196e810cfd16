"""Claim 3: without batch norm in its generator WGAN still learns, DCGAN does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, values
from ganache.claims.pictures import Learning, Mixed, learn, setting
from ganache.claims.verdict import Part
from ganache.networks import Dcgan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"DCGAN without batch norm": "gan", "WGAN without batch norm": "wgan"}


# ---- the experiment ------------------------------------------------------------------------------------------------


def size(settings: Settings) -> Learning:
    return pictures.sized(settings, ("faces", "mnist"), Learning())


def measure(unit: Unit, how: Learning) -> Numbers:
    bare = Dcgan(z_dim=64, generator_norm="none", width=2 * how.width, max_width=2 * how.width)
    pair = Mixed(bare, Dcgan(z_dim=64, width=how.width))
    return learn(setting(METHODS[unit.variant], pair, how, unit.seed), how, unit.seed)


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    gan, wgan = (values(measured, name, "frechet") for name in METHODS)
    untrained = values(measured, "WGAN without batch norm", "untrained")
    against = tuple(w / max(g, 1e-12) for g, w in zip(gan, wgan, strict=True))
    learnt = tuple(w / max(u, 1e-12) for w, u in zip(wgan, untrained, strict=True))
    return (
        Part("WGAN's Frechet distance as a share of DCGAN's", against, holds=0.5, fails=1.0),
        Part("WGAN's Frechet distance as a share of that before training", learnt, holds=0.3, fails=0.7),
    )


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import learning

    return {"learning": learning("A generator without batch norm, under either method", measured)}


CLAIM = Claim(
    name="no-batch-norm",
    number=3,
    says="Take the batch norm out of the generator and give all its layers the same number of filters: WGAN still "
    "learns, DCGAN does not.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.3, figure 6",
    protocol="DCGAN's generator without any normalisation and with 32 filters in every layer learns pictures at 32x32 "
    "(faces or MNIST where given, else drawn faces) against DCGAN's critic, which keeps its batch norm as in the "
    "paper; once with the GAN's loss and Adam at 2e-4, momentum 0.5, once with WGAN's, clipping to ±0.01, RMSProp at "
    "5e-5 and 5 critic steps. Both get 1,200 generator steps with batches of 64. Compared is the Frechet distance of "
    "1,000 samples to pictures that no training has seen, by features of a fixed random network (of a classifier "
    "taught with held-out labels, where there are labels). WGAN's must be at most half of DCGAN's, and at most 0.3 of "
    "what the untrained generator has; it fails where it is no smaller than DCGAN's, or above 0.7 of the untrained. "
    "The paper has 64x64 bedrooms, twice to four times the filters and far more steps.",
    size=size,
    variants=lambda how: tuple(METHODS),
    measure=measure,
    judge=judge,
    draw=draw,
)
