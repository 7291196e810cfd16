"""The trainings of four claims: GAN and WGAN, each with two generators and the same critic, DCGAN's.

Two experiments are made of them: on digits with a generator of fully connected layers, and on faces with one without
batch norm, each beside DCGAN's generator. Each is measured once, and two claims judge its numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ganache.claims import pictures
from ganache.claims.claim import Numbers, Settings, Unit
from ganache.claims.pictures import MixedPair, PictureTraining, picture_config, train_and_score
from ganache.networks import Dcgan, Mlp, Network
from ganache.training.state import Report

METHODS = {"GAN": "gan", "WGAN": "wgan"}
DCGAN, PLAIN, BARE = "DCGAN's generator", "fully connected generator", "generator without batch norm"
GAN_DCGAN, WGAN_DCGAN = f"GAN, {DCGAN}", f"WGAN, {DCGAN}"
GAN_PLAIN, WGAN_PLAIN = f"GAN, {PLAIN}", f"WGAN, {PLAIN}"
GAN_BARE, WGAN_BARE = f"GAN, {BARE}", f"WGAN, {BARE}"


@dataclass(frozen=True)
class Pairs:
    """An experiment: both methods, each with two generators."""

    name: str
    kinds: tuple[str, str]
    """Of pictures, the preferred one first."""
    full: PictureTraining
    generators: tuple[str, str]

    def size(self, settings: Settings) -> PictureTraining:
        return pictures.choose_size(settings, self.kinds, self.full)

    def variants(self, size: PictureTraining) -> tuple[str, ...]:
        return tuple(f"{method}, {generator}" for generator in self.generators for method in METHODS)


DIGITS = Pairs("digits", ("mnist", "faces"), PictureTraining(image_size=16, snapshots=41, steps=40_000), (PLAIN, DCGAN))
FACES = Pairs("faces", ("faces", "mnist"), PictureTraining(num_samples=500, snapshots=25, steps=12_000), (BARE, DCGAN))


def network(generator: str, width: int) -> Network:
    """Return one of the paper's generators (section 4.2 and 4.3), with a DCGAN critic."""
    dcgan = Dcgan(z_dim=64, width=width)
    generators: dict[str, Callable[[], Network]] = {
        DCGAN: lambda: dcgan,
        PLAIN: lambda: Mlp(z_dim=64, hidden=512, layers=4),
        BARE: lambda: Dcgan(z_dim=64, generator_norm="none", width=2 * width, max_width=2 * width),
    }
    return MixedPair(generators[generator](), dcgan)


def measure(unit: Unit, size: PictureTraining) -> Numbers:
    """Train one pair. The distance and the critic's estimate are measured at every snapshot, all scores at the end."""
    method, generator = unit.variant.split(", ")
    settings = picture_config(METHODS[method], network(generator, size.width), size, unit.seed)
    series = {"estimate": lambda snapshot: snapshot.recent_mean(partial(estimate, method))}
    numbers = train_and_score(settings, size, unit.seed, series)
    return numbers | ({"real": pictures.real_samples(size)} if unit.seed == 0 else {})


def estimate(method: str, report: Report) -> float:
    """Return the estimate of the distance from the critic's loss L: -L for WGAN, log 2 - L/2 for the GAN."""
    loss = float(report.d["real"] + report.d["fake"])
    return -loss if method == "WGAN" else float(np.log(2)) - loss / 2
