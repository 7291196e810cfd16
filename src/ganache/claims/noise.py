"""Claim 6: noise on both distributions lets a GAN learn if they do not overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ganache.claims.claim import (
    NEAR,
    Claim,
    Measurement,
    Numbers,
    Settings,
    Size,
    Unit,
    ratios,
    runs_of,
    shares,
    values,
)
from ganache.claims.lines import LinePair
from ganache.claims.modes import PENALTY
from ganache.claims.training import config, em_floor, em_to_held_out, snapshots
from ganache.claims.verdict import Control, Part
from ganache.config.config import Config
from ganache.config.sections import OptimiserConfig, PriorConfig, ViewConfig
from ganache.methods import Gan, WganGp
from ganache.networks import Mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOYS = ("lines", "ring8", "swissroll")
WITH, WITHOUT, OTHER = "with noise", "without", "WGAN-GP without"
"""The last has the same networks and as many steps, and shows that they are enough."""
SIGMA, NOISY_SHARE = 0.5, 0.8
"""The initial standard deviation of the noise, and the share of the steps after which it is 0."""
SNAPSHOTS, START = 16, 1.0
CRITIC_STEPS, BATCH = 5, 128


@dataclass(frozen=True)
class Training(Size):
    hidden: int = 128
    points: int = 500
    steps: int = 3000


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> Training:
    return Training(32, 100, 40) if settings.quick else Training()


def measure(unit: Unit, size: Training) -> Numbers:
    toy, noise = unit.variant.split(", ")
    settings = noise_config(toy, noise, unit.seed, size)
    steps, distances = [], []
    for snapshot in snapshots(settings, size.steps, SNAPSHOTS):
        steps.append(snapshot.step)
        distances.append(em_to_held_out(toy, snapshot.points(size.points)))
    return {
        "earth_mover": distances[-1],
        "untrained": distances[0],
        "floor": em_floor(toy, size.points),
        "steps": steps,
        "earth_mover_through_training": distances,
    }


def noise_config(toy: str, noise: str, seed: int, size: Training) -> Config:
    """Return the settings of a minimax GAN whose critic takes several steps, so that it is close to its optimum."""
    pair = Mlp(z_dim=16, hidden=size.hidden, layers=3)
    settings = config("wgan-gp" if noise == OTHER else "gan", pair, toy, seed, BATCH)
    settings = replace(settings, method=WganGp(PENALTY) if noise == OTHER else Gan("minimax"))
    settings = replace(settings, schedule=replace(settings.schedule, critic_steps=CRITIC_STEPS))
    if noise == WITH:
        steps = max(1, round(NOISY_SHARE * size.steps))
        settings = replace(settings, view=ViewConfig(noise=SIGMA, noise_steps=steps))
    if toy == "lines":  # one weight, t; plain SGD: Adam would take full steps even with a gradient near 0
        sgd = OptimiserConfig("sgd", lr=0.02, beta1=0.0)
        prior = PriorConfig("uniform", 0.5)
        settings = replace(settings, network=LinePair(START, pair), generator_optimiser=sgd, prior=prior)
    return settings


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    """Judge what is left of the distance: without that of a perfect generator, of which there are as many points."""

    def left(variant: str) -> tuple[float, ...]:
        found = (values(measured, variant, name) for name in ("earth_mover", "floor", "untrained"))
        return tuple(max(d - floor, NEAR * untrained) for d, floor, untrained in zip(*found, strict=True))

    words = "EM above that of a perfect generator, with noise divided by without, on {}"
    return tuple(
        Part(words.format(toy), ratios(left(f"{toy}, {WITH}"), left(f"{toy}, {WITHOUT}")), holds=0.5, fails=1.0)
        for toy in TOYS
    )


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    reason = "A method that needs no overlap must be able to learn with these networks in as many steps."
    words = "EM distance of WGAN-GP on {}, as a share of that before training"
    return tuple(
        Control(words.format(toy), shares(measured, f"{toy}, {OTHER}", "earth_mover"), 0.5, reason) for toy in TOYS
    )


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label

    fig = figure("Distance of generated points to real ones, with and without noise on both", 3.6)
    for ax, toy in zip(axes(fig, 1, len(TOYS))[0], TOYS, strict=True):
        for noise, colour in ((WITH, COLOURS[0]), (WITHOUT, COLOURS[1])):
            runs = [m.numbers for m in runs_of(measured, f"{toy}, {noise}")]
            band(ax, runs[0]["steps"], [n["earth_mover_through_training"] for n in runs], colour, noise)
        ax.axhline(runs[0]["floor"], color="black", linestyle=":", linewidth=1, label="a perfect generator")
        ax.axvline(NOISY_SHARE * runs[0]["steps"][-1], color="#999999", linewidth=1, label="end of the noise")
        ax.set_ylim(bottom=0)
        label(ax, "generator steps", "exact EM to held-out points", toy, legend=ax.get_subplotspec().is_first_col())
    return {"distances": fig}


CLAIM = Claim(
    name="noise",
    number=6,
    statement="If real and generated data do not overlap, the original GAN gets no useful gradient; noise that is "
    "added to both, and fades away, lets it learn.",
    source="Arjovsky & Bottou 2017, Towards principled methods for training GANs, section 3",
    protocol=f"The minimax GAN with {CRITIC_STEPS} critic steps per generator step, once without noise and once "
    f"with Gaussian noise on everything the critic sees, whose standard deviation falls from {SIGMA} to 0 in "
    f"{NOISY_SHARE:.0%} of the steps. On the parallel lines the generator is one number t, which starts at {START:g} "
    "and is trained by plain SGD (Adam would take full steps even with a gradient near 0); on ring8 and the Swiss "
    "roll it is an MLP trained with Adam. The measure is the exact EM distance to held-out points. On each of the "
    "three data sets, WGAN-GP without noise must halve that of the first points in as many steps before the claim is "
    "judged. Two samples of the data have a distance, too, which is subtracted; of what is left, noise must then take "
    "at least half. The claim fails if noise does not reduce it.",
    size=choose_size,
    variants=lambda size: tuple(f"{toy}, {noise}" for toy in TOYS for noise in (WITH, WITHOUT, OTHER)),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
    cost_group=lambda variant: variant.replace(WITH, "").replace(WITHOUT, ""),
)
