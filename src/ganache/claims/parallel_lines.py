"""Claim 1: between parallel lines the earth mover's (EM) distance is continuous; JS, KL and TV are not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Size, Unit
from ganache.claims.lines import Line, line
from ganache.claims.verdict import Part
from ganache.functional.divergences import (
    earth_mover,
    histograms,
    jensen_shannon,
    kullback_leibler,
    parallel_lines,
    total_variation,
)
from ganache.functional.penalties import gradient_norms
from ganache.methods import WganGp
from ganache.networks import Mlp
from ganache.training.steps import descend

if TYPE_CHECKING:
    from matplotlib.figure import Figure

START, RATE = 0.9, 0.02
"""Gradient descent on a distance: the first t, and the learning rate."""
DELTA = 0.05
"""The slope is the central difference over t - DELTA and t + DELTA."""
CELLS = (np.linspace(-1.0005, 1.0005, 2002), np.linspace(0, 1, 11))
"""Edges of the histograms: cells 0.001 wide, so that lines at different t share no cell, and 0.1 high."""

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Lines(Size):
    positions_per_side: int = 10
    """Positions of the second line on each side of the first; t = 0 is added."""
    points: int = 400
    critic_steps: int = 600
    descent_steps: int = 120


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> Lines:
    return Lines(2, 60, 120, 80) if settings.quick else Lines()


def histogram(distance: Callable[[Points, Points], float], x: Points, y: Points) -> float:
    """Return a distance of densities, between the histograms of two samples over CELLS."""
    return distance(*histograms(x, y, CELLS))


BY_SAMPLES: dict[str, Callable[[Points, Points], float]] = {
    "earth_mover": earth_mover,
    "jensen_shannon": partial(histogram, jensen_shannon),
    "total_variation": partial(histogram, total_variation),
    "kullback_leibler": partial(histogram, kullback_leibler),
}
"""The distances between two samples that have the same latents."""


def measure(unit: Unit, size: Lines) -> Numbers:
    random = np.random.default_rng(unit.seed)
    z = random.random(size.points)
    ts = [step / size.positions_per_side for step in range(-size.positions_per_side, size.positions_per_side + 1)]
    numbers: Numbers = {"t": ts, "critic": [by_critic(t, size.critic_steps, unit.seed) for t in ts]}
    for name, distance in BY_SAMPLES.items():
        numbers[f"{name}_samples"] = [distance(line(0, z), line(t, z)) for t in ts]
        numbers[f"{name}_closed"] = [parallel_lines(t)[name] for t in ts]
        numbers[f"{name}_descent"] = descent(distance, z[:60], size.descent_steps)
    return numbers


def by_critic(t: float, steps: int, seed: int) -> float:
    """Return the EM estimate of a trained critic: the difference of its means, divided by its largest slope.

    By duality (Villani 2009, theorem 5.10), no critic of slope 1 gives more than the distance, so this is a lower
    bound if the largest slope was found.
    """
    torch.manual_seed(seed)
    G, D = Line(t).requires_grad_(False), Mlp(hidden=64, layers=2, slope=0.2).critic((2,))
    optimiser = torch.optim.Adam(D.parameters(), 2e-3, (0.0, 0.9))
    zero = Line(0.0).requires_grad_(False)
    for _ in range(steps):
        real, z = zero(torch.rand(128, 1) - 0.5), torch.rand(128, 1) - 0.5
        descend(WganGp().d_terms(G, D, real, z), optimiser, None)
    z = torch.linspace(-0.5, 0.5, 512)[:, None]
    real, fake = zero(z), G(z)
    between = fake + torch.rand(512, 1) * (real - fake)
    steepest = gradient_norms(D, torch.cat([real, fake, between])).max()
    return abs(float(((D(real).mean() - D(fake).mean()) / steepest).item()))


def descent(distance: Callable[[Points, Points], float], z: Points, steps: int) -> list[float]:
    """Return t after each step of gradient descent on a distance; the slope is a central difference."""
    ts = [START]
    for _ in range(steps):
        ahead, behind = (distance(line(0, z), line(min(ts[-1] + d, 1.0), z)) for d in (DELTA, -DELTA))
        slope = (ahead - behind) / (2 * DELTA)
        ts.append(ts[-1] - RATE * slope if math.isfinite(slope) else ts[-1])  # inf - inf is not a slope
    return ts


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    def each_seed(error: Callable[[Numbers], float]) -> tuple[float, ...]:
        return tuple(error(run.numbers) for run in measured)

    def em_error(n: Numbers, name: str) -> float:
        return max(float(abs(em - abs(t))) for em, t in zip(n[name], n["t"], strict=True))

    def off_zero(n: Numbers, name: str, value: float) -> float:
        pairs = zip(n["t"], n[f"{name}_closed"], n[f"{name}_samples"], strict=True)
        return max(0.0 if found == value else float(abs(found - value)) for t, *both in pairs if t for found in both)

    exact = each_seed(lambda n: max(em_error(n, "earth_mover_closed"), em_error(n, "earth_mover_samples")))
    jump = each_seed(lambda n: max(off_zero(n, "jensen_shannon", math.log(2)), off_zero(n, "total_variation", 1.0)))
    infinite = each_seed(lambda n: float(off_zero(n, "kullback_leibler", math.inf) == 0))
    return (
        Part("Largest error of the exact EM distance, compared with |t|", exact, holds=1e-6, fails=1e-3),
        Part(
            "Largest error of the trained critic's EM, compared with |t|",
            each_seed(lambda n: em_error(n, "critic")),
            0.1,
            0.3,
        ),
        Part("Largest error of JS = log 2 and TV = 1, for t other than 0", jump, holds=1e-6, fails=1e-3),
        Part("KL is infinite for every t other than 0 (1: yes, 0: no)", infinite, holds=1.0, fails=0.0),
        Part(
            "|t| after gradient descent on EM from 0.9",
            each_seed(lambda n: abs(n["earth_mover_descent"][-1])),
            0.01,
            0.1,
        ),
        Part(
            "Change of t by gradient descent on JS",
            each_seed(lambda n: START - n["jensen_shannon_descent"][-1]),
            1e-9,
            0.1,
        ),
    )


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label

    fig = figure("Four distances while one line moves over another", 6.2)
    (about, em), (others, down) = axes(fig, 2, 2)
    first, every = measured[0].numbers, [run.numbers for run in measured]
    ts = first["t"]
    em.plot(ts, first["earth_mover_closed"], color=COLOURS[6], label="closed form |t|")
    em.plot(ts, first["earth_mover_samples"], "o", color=COLOURS[0], markersize=4, label="between samples, exact")
    band(em, ts, [n["critic"] for n in every], COLOURS[1], "by a trained critic")
    label(em, "t, position of the other line", "earth mover's distance", "follows t", legend=True)
    for name, colour, words in (("jensen_shannon", 2, "JS (log 2 = 0.69)"), ("total_variation", 3, "TV")):
        others.plot(ts, first[f"{name}_samples"], "o", color=COLOURS[colour], markersize=4, label=words)
    height = [1.25 if math.isinf(kl) else kl for kl in first["kullback_leibler_samples"]]
    others.plot(ts, height, "^", color=COLOURS[4], markersize=4, label="KL (at the top: infinite)")
    others.set_ylim(-0.05, 2.0)
    label(others, "t, position of the other line", "distance", "constant, except at t = 0", legend=True)
    for ax in (em, others):
        ax.set_xticks([-1, -0.5, 0, 0.5, 1])
    names = (("earth_mover", "EM"), ("jensen_shannon", "JS"), ("total_variation", "TV"), ("kullback_leibler", "KL"))
    for place, (name, words) in enumerate(names):
        style = ("-", "-", "--", ":")[place]
        down.plot(first[f"{name}_descent"], style, color=COLOURS[(0, 2, 3, 4)[place]], label=words, linewidth=2)
    label(down, "steps of gradient descent", "t", "descent on each: only EM leads to 0", legend=True)
    z = np.linspace(0, 1, 60)
    about.plot(0 * z, z, color=COLOURS[0], linewidth=3, label="the real line, at 0")
    about.plot(0 * z + START, z, color=COLOURS[1], linewidth=3, label=f"the other, at t = {START}")
    about.set(xlim=(-0.3, 1.3), ylim=(0, 1.6))
    label(about, "first coordinate", "second coordinate", "the two distributions", legend=True)
    return {"distances": fig}


CLAIM = Claim(
    name="parallel-lines",
    number=1,
    statement="If two distributions do not overlap, the earth mover's (EM) distance still shows how far apart they "
    "are; Jensen-Shannon, Kullback-Leibler and total variation only show that they differ.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, example 1 and figure 1",
    protocol="One distribution is uniform on the segment from (0, 0) to (0, 1), the other is the same, shifted "
    "sideways by t. EM is computed in three ways: in closed form; between samples with the same heights on both "
    "lines, by the exact assignment; and by a small critic trained with WGAN-GP's penalty, whose difference of means "
    "is divided by its largest slope. JS, KL and TV are computed in closed form and from histograms of the samples. "
    "Then gradient descent on each distance changes t, starting from 0.9; slopes are central differences over ±0.05. "
    "All three EM values must follow |t|. For t other than 0, JS and TV must stay at log 2 and 1, and KL at infinity. "
    "The descent must arrive at 0 on EM and must not move on JS.",
    size=choose_size,
    variants=lambda size: ("lines",),
    measure=measure,
    judge=judge,
    draw=draw,
)
