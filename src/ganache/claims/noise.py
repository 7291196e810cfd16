"""Claim 6: noise on both distributions lets a GAN learn where they do not overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Size, Unit, of, values
from ganache.claims.lines import LinePair
from ganache.claims.training import config, em_floor, em_to_held_out, looks
from ganache.claims.verdict import Part
from ganache.config.config import Config
from ganache.config.sections import OptimiserConfig, PriorConfig, ViewConfig
from ganache.methods import Gan
from ganache.networks import Mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOYS = ("lines", "ring8", "swissroll")
WITH, WITHOUT = "with noise", "without"
SIGMA, NOISY_SHARE = 0.5, 0.8
"""The noise begins at this standard deviation, and is 0 after this share of the steps."""
LOOKS, START = 16, 1.0
CRITIC_STEPS, BATCH = 5, 128


@dataclass(frozen=True)
class Training(Size):
    hidden: int = 128
    points: int = 500
    steps: int = 3000


# ---- the experiment ------------------------------------------------------------------------------------------------


def size(settings: Settings) -> Training:
    return Training(32, 100, 40) if settings.quick else Training()


def measure(unit: Unit, how: Training) -> Numbers:
    toy, noise = unit.variant.split(", ")
    settings = set_up(toy, noise == WITH, unit.seed, how)
    steps, distances = [], []
    for look in looks(settings, how.steps, LOOKS):
        steps.append(look.step)
        distances.append(em_to_held_out(toy, look.fakes(how.points)))
    return {
        "earth_mover": distances[-1],
        "floor": em_floor(toy, how.points),
        "steps": steps,
        "earth_mover_through_training": distances,
    }


def set_up(toy: str, noisy: bool, seed: int, how: Training) -> Config:
    """The minimax GAN, whose critic takes several steps, so that it is near its best."""
    pair = Mlp(z_dim=16, hidden=how.hidden, layers=3)
    settings = config("gan", pair, toy, seed, BATCH)
    settings = replace(settings, method=Gan("minimax"))
    settings = replace(settings, schedule=replace(settings.schedule, critic_steps=CRITIC_STEPS))
    if noisy:
        steps = max(1, round(NOISY_SHARE * how.steps))
        settings = replace(settings, view=ViewConfig(noise=SIGMA, noise_steps=steps))
    if toy == "lines":  # one number, t; plain descent: Adam would walk even where the slope is nearly nothing
        descent = OptimiserConfig("sgd", lr=0.02, beta1=0.0)
        half = PriorConfig("uniform", 0.5)
        settings = replace(settings, network=LinePair(START, pair), generator_optimiser=descent, prior=half)
    return settings


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    def ratio(toy: str) -> tuple[float, ...]:
        both = (values(measured, f"{toy}, {noise}", "earth_mover") for noise in (WITH, WITHOUT))
        return tuple(with_noise / max(without, 1e-12) for with_noise, without in zip(*both, strict=True))

    return tuple(Part(f"EM with noise / EM without, on {toy}", ratio(toy), holds=0.5, fails=1.0) for toy in TOYS)


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label

    made = figure("Distance of generated points to real ones, with and without noise on both", 3.6)
    for each, toy in zip(axes(made, 1, len(TOYS))[0], TOYS, strict=True):
        for noise, colour in ((WITH, COLOURS[0]), (WITHOUT, COLOURS[1])):
            runs = [m.numbers for m in of(measured, f"{toy}, {noise}")]
            band(each, runs[0]["steps"], [n["earth_mover_through_training"] for n in runs], colour, noise)
        each.axhline(runs[0]["floor"], color="black", linestyle=":", linewidth=1, label="a perfect generator")
        each.axvline(NOISY_SHARE * runs[0]["steps"][-1], color="#999999", linewidth=1, label="the noise is gone")
        each.set_ylim(bottom=0)
        label(each, "generator steps", "exact EM to held-out points", toy, legend=each.get_subplotspec().is_first_col())
    return {"distances": made}


CLAIM = Claim(
    name="noise",
    number=6,
    says="Where real and generated data do not overlap, the original GAN gets no direction to learn from; noise added "
    "to both, fading away, lets it learn.",
    source="Arjovsky & Bottou 2017, Towards principled methods for training GANs, section 3",
    protocol=f"The minimax GAN with {CRITIC_STEPS} critic steps to each generator step, once as it is and once with "
    f"Gaussian noise on everything the critic sees, of standard deviation {SIGMA} at first and 0 after "
    f"{NOISY_SHARE:.0%} of the steps. On the parallel lines the generator is one number t, which begins at {START:g} "
    "and takes plain gradient steps (Adam would take full steps along a slope of nearly nothing); on ring8 and the "
    "Swiss roll it is an MLP with Adam. Measured is the exact EM distance to held-out points. Noise must at least "
    "halve it on every one of the three; it fails where noise makes it no better.",
    size=size,
    variants=lambda how: tuple(f"{toy}, {noise}" for toy in TOYS for noise in (WITH, WITHOUT)),
    measure=measure,
    judge=judge,
    draw=draw,
    costs_like=lambda variant: variant.split(", ")[0],
)
