"""Claim 5: weight clipping drives a critic's weights to the two ends of the range, a gradient penalty does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Size, Unit, runs_of, shares, values
from ganache.claims.modes import PENALTY
from ganache.claims.training import config, em_to_held_out, snapshots
from ganache.claims.verdict import Control, Part
from ganache.methods import WganGp
from ganache.networks import Mlp
from ganache.types import Critic, Generator, ImageShape, Network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLIP = 0.01
METHODS = {"weight clipping": "wgan", "gradient penalty": "wgan-gp"}
TOY, BATCH, SNAPSHOTS, BINS = "swissroll", 128, 16, 80
POINTS = 500
"""Number of points whose distance to real ones is measured."""


@dataclass(frozen=True)
class Training(Size):
    hidden: int = 256
    layers: int = 4
    steps: int = 3_000


@dataclass(frozen=True)
class EvenStart(Network):
    """An MLP pair whose critic is initialised uniformly on [-CLIP, CLIP].

    PyTorch's initialisation is wider: the first clipping would move most weights to the ends before any training.
    """

    pair: Mlp
    z_dim: int = 16

    def generator(self, shape: ImageShape) -> Generator:
        return self.pair.generator(shape)

    def critic(self, shape: ImageShape) -> Critic:
        critic = self.pair.critic(shape)
        for weight in critic.parameters():
            nn.init.uniform_(weight, -CLIP, CLIP)
        return critic


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> Training:
    return Training(64, 3, 30) if settings.quick else Training()


def measure(unit: Unit, size: Training) -> Numbers:
    network = EvenStart(Mlp(z_dim=16, hidden=size.hidden, layers=size.layers))
    settings = config(METHODS[unit.variant], network, TOY, unit.seed, BATCH)
    if unit.variant == "gradient penalty":
        settings = replace(settings, method=WganGp(PENALTY))
    steps, at_clip, at_largest, weights, distances = [], [], [], np.zeros(1), []
    for snapshot in snapshots(settings, size.steps, SNAPSHOTS):
        weights = weights_of(snapshot.state.critic)
        steps.append(snapshot.step)
        at_clip.append(share_near(weights, CLIP))
        at_largest.append(share_near(weights, float(np.abs(weights).max())))
        if snapshot.step in (0, size.steps):
            distances.append(em_to_held_out(TOY, snapshot.points(POINTS)))
    reach = CLIP if unit.variant == "weight clipping" else float(np.quantile(np.abs(weights), 0.999))
    counts, edges = np.histogram(weights, BINS, (-1.02 * reach, 1.02 * reach))
    return {
        "at_clip": fmean(at_clip[len(at_clip) // 2 :]),
        "at_largest": fmean(at_largest[len(at_largest) // 2 :]),
        "earth_mover": distances[-1],
        "untrained": distances[0],
        "steps": steps,
        "at_clip_through_training": at_clip,
        "histogram": (counts / len(weights)).tolist(),
        "edges": edges.tolist(),
    }


def weights_of(critic: Critic) -> np.ndarray:
    """Return the weights of the linear layers [N]. Biases are clipped too, but are few."""
    return torch.cat([p.detach().flatten() for p in critic.parameters() if p.ndim > 1]).double().numpy()


def share_near(weights: np.ndarray, end: float) -> float:
    """Return the share of weights within 1 % of +end or -end.

    >>> share_near(np.array([-0.01, 0.00995, 0.005, 0.02]), 0.01)
    0.5
    """
    return float(np.mean(np.abs(np.abs(weights) - end) <= 0.01 * end * (1 + 1e-6)))


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    clipped = values(measured, "weight clipping", "at_clip")
    ends = [values(measured, "gradient penalty", name) for name in ("at_clip", "at_largest")]
    penalised = tuple(max(pair) for pair in zip(*ends, strict=True))
    return (
        Part("Share of weights within 1 % of the ends, with clipping", clipped, holds=0.1, fails=0.02),
        Part("The same with the penalty, at ±0.01 or at its largest weight", penalised, 0.02, 0.1),
    )


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    reason = "A critic from which the generator has learnt nothing may still be as it was initialised."
    words = "EM distance of points with {}, as a share of that before training"
    return tuple(Control(words.format(name), shares(measured, name, "earth_mover"), 0.5, reason) for name in METHODS)


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label

    fig = figure("The weights of a critic with weight clipping and with a gradient penalty", 5.4)
    grid = axes(fig, 2, 2, height_ratios=(3, 2))
    for column, (variant, colour) in enumerate(zip(METHODS, COLOURS, strict=False)):
        first = runs_of(measured, variant)[0].numbers
        edges = np.array(first["edges"])
        above = grid[0, column]
        above.bar((edges[:-1] + edges[1:]) / 2, first["histogram"], width=np.diff(edges), color=colour)
        above.set_yscale("log")
        label(above, "weight of the critic", "share of all weights", f"{variant}, at the end")
        if column:
            for end in (-CLIP, CLIP):
                above.axvline(end, color=COLOURS[0], linestyle=":", linewidth=1)
    low, other = grid[1]
    for variant, colour in zip(METHODS, COLOURS, strict=False):
        runs = [run.numbers for run in runs_of(measured, variant)]
        shares = [[100 * share for share in n["at_clip_through_training"]] for n in runs]
        band(low, runs[0]["steps"], shares, colour, variant)
        other.bar(variant, 100 * np.mean([n["at_clip"] for n in runs]), color=colour)
    other.axhline(1, color="black", linestyle=":", linewidth=1)
    other.annotate("uniform distribution: 1 %", (1.45, 1), fontsize=8, ha="right", va="bottom")
    label(low, "generator steps", "% of weights at ±0.01", "during training", legend=True)
    label(other, "", "% of weights at ±0.01", "at the end")
    return {"weights": fig}


CLAIM = Claim(
    name="clipping",
    number=5,
    statement="Weight clipping drives the critic's weights to the two ends of the allowed range, so that it can learn "
    "only simple functions; with a gradient penalty they stay spread out.",
    source="Gulrajani et al. 2017, Improved training of Wasserstein GANs, section 3 and figure 1b; the WGAN article's "
    "last section",
    protocol="The same critic (4 hidden layers of 256 ReLU units; the authors' code has 512) and generator are "
    "trained on the Swiss roll for 3,000 generator steps and 15,000 critic steps: once with WGAN's clipping to "
    "±0.01, once with WGAN-GP's penalty (weight 0.1, as for the toys of its authors' code), each with the optimiser "
    "of its paper. Both times the critic is initialised uniformly on ±0.01. The measure is the share of the weights "
    "of the linear layers that lie within 1 % of ±0.01, on average over the second half of the steps; with the "
    "penalty also the share within 1 % of its own largest weight, and the larger of the two counts. A uniform "
    "distribution gives 1 %. Before the claim is judged, both generators must have halved the EM distance of their "
    "points. Clipping must give at least 10 % and the penalty at most 2 %.",
    size=choose_size,
    variants=lambda size: tuple(METHODS),
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
)
