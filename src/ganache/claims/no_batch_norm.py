"""Claim 3: without batch norm in the generator, WGAN still learns, DCGAN does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, nearest, ratios, shares
from ganache.claims.pairs import FACES, GAN_BARE, GAN_DCGAN, WGAN_BARE, WGAN_DCGAN, measure
from ganache.claims.verdict import Control, Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    gan, wgan = (nearest(measured, name) for name in (GAN_BARE, WGAN_BARE))
    bounds = pictures.bounds(measured)
    fraction = shares(measured, WGAN_BARE)
    return (
        Part("Frechet distance of WGAN, divided by that of DCGAN", ratios(wgan, gan), holds=0.75, fails=1.0),
        Part("Frechet distance of WGAN as a share of that before training", fraction, bounds.learnt, bounds.nothing),
    )


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    reason = "In as many steps, both methods must draw good pictures with batch norm: else the steps are too few."
    return pictures.learnt(measured, (GAN_DCGAN, WGAN_DCGAN), pictures.bounds(measured).good, reason)


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import learning

    return {"learning": learning("A generator without batch norm, and DCGAN's own, with both methods", measured)}


CLAIM = Claim(
    name="no-batch-norm",
    number=3,
    statement="Without batch norm in the generator, and with the same number of filters in all its layers, WGAN still "
    "learns, DCGAN does not.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.3, figure 6",
    protocol="DCGAN's generator, without any normalisation and with 32 filters in every layer, is trained on "
    "pictures of 32x32 (faces or MNIST if given, else drawn faces) with DCGAN's critic, which keeps its batch norm "
    "as in the paper and has 16 channels in the layer next to the picture: once with the GAN's loss and Adam at "
    "2e-4, momentum 0.5; once with WGAN's loss, clipping to ±0.01, RMSProp at 5e-5 and 5 critic steps. DCGAN's own "
    "generator is trained in the same two ways. All get 12,000 generator steps with batches of 64. Before the claim "
    "is judged, both methods must reach a distance called good with DCGAN's generator. Without batch norm, WGAN's "
    "must then be at most three quarters of DCGAN's, and called learnt. The claim fails if it is not below DCGAN's, "
    "or shows nothing of the pictures. The paper has bedrooms of 64x64 and two to four times the filters. "
    + pictures.RULER,
    experiment=FACES.name,
    size=FACES.size,
    variants=FACES.variants,
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
