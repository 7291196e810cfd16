"""Claim 3: without batch norm in the generator, WGAN still learns, DCGAN does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganache.claims import pictures
from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Unit, ratios, shares, values
from ganache.claims.pictures import MixedPair, PictureTraining, picture_config, train_and_score
from ganache.claims.verdict import Control, Part
from ganache.networks import Dcgan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = {"DCGAN without batch norm": "gan", "WGAN without batch norm": "wgan"}
NORMAL = {"DCGAN": "gan", "WGAN": "wgan"}
"""With DCGAN's own generator: what shows that both methods have had enough steps."""


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> PictureTraining:
    return pictures.choose_size(settings, ("faces", "mnist"), PictureTraining())


def measure(unit: Unit, size: PictureTraining) -> Numbers:
    dcgan = Dcgan(z_dim=64, width=size.width)
    bare = Dcgan(z_dim=64, generator_norm="none", width=2 * size.width, max_width=2 * size.width)
    pair = MixedPair(bare if unit.variant in METHODS else dcgan, dcgan)
    method = (METHODS | NORMAL)[unit.variant]
    return train_and_score(picture_config(method, pair, size, unit.seed), size, unit.seed)


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    gan, wgan = (values(measured, name, "frechet") for name in METHODS)
    fraction = shares(measured, "WGAN without batch norm")
    return (
        Part("Frechet distance of WGAN, divided by that of DCGAN", ratios(wgan, gan), holds=0.5, fails=1.0),
        Part("Frechet distance of WGAN as a share of that before training", fraction, holds=0.3, fails=0.7),
    )


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    reason = "In as many steps, both methods must draw good pictures with batch norm: else the steps are too few."
    return pictures.learnt(measured, tuple(NORMAL), pictures.GOOD, reason)


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import learning

    return {"learning": learning("A generator without batch norm, with both methods", measured)}


CLAIM = Claim(
    name="no-batch-norm",
    number=3,
    statement="Without batch norm in the generator, and with the same number of filters in all its layers, WGAN still "
    "learns, DCGAN does not.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.3, figure 6",
    protocol="DCGAN's generator, without any normalisation and with 32 filters in every layer, is trained on pictures"
    " of 32x32 (faces or MNIST if given, else drawn faces) with DCGAN's critic, which keeps its batch norm as in the "
    "paper: once with the GAN's loss and Adam at 2e-4, momentum 0.5; once with WGAN's loss, clipping to ±0.01, "
    "RMSProp at 5e-5 and 5 critic steps. Both get 1,200 generator steps with batches of 64. The measure is the "
    "Frechet distance of 1,000 samples to pictures that no training has seen, in the features of a fixed random "
    "network (with labels: of a classifier trained on held-out labels). WGAN's distance must be at most half of "
    "DCGAN's, and at most 0.3 of the untrained distance. The claim fails if it is not below DCGAN's, or is above 0.7 "
    "of the untrained distance. Before it is judged, both methods must reach at most 0.2 of the untrained distance "
    "with batch norm in the generator, in as many steps. The paper has bedrooms of 64x64, two to four times the "
    "filters and far more steps.",
    size=choose_size,
    variants=lambda size: tuple(METHODS | NORMAL),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
