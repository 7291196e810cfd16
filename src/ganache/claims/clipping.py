"""Claim 5: weight clipping drives a critic's weights to the two ends, a gradient penalty does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Size, Unit, of, values
from ganache.claims.training import config, looks
from ganache.claims.verdict import Part
from ganache.networks import Mlp
from ganache.types import Critic, Generator, ImageShape, Network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CLIP = 0.01
METHODS = {"weight clipping": "wgan", "gradient penalty": "wgan-gp"}
TOY, BATCH, LOOKS, BINS = "swissroll", 128, 16, 80


@dataclass(frozen=True)
class Training(Size):
    hidden: int = 256
    layers: int = 4
    steps: int = 800


@dataclass(frozen=True)
class Even(Network):
    """An MLP pair whose critic begins with weights spread evenly over [-CLIP, CLIP].

    PyTorch's own are wider: the first clip would put most of them at the ends before anything was learnt.
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


def size(settings: Settings) -> Training:
    return Training(64, 3, 30) if settings.quick else Training()


def measure(unit: Unit, how: Training) -> Numbers:
    network = Even(Mlp(z_dim=16, hidden=how.hidden, layers=how.layers))
    settings = config(METHODS[unit.variant], network, TOY, unit.seed, BATCH)
    steps, at_clip, at_largest, weights = [], [], [], np.zeros(1)
    for look in looks(settings, how.steps, LOOKS):
        weights = weights_of(look.state.critic)
        steps.append(look.step)
        at_clip.append(share_near(weights, CLIP))
        at_largest.append(share_near(weights, float(np.abs(weights).max())))
    reach = CLIP if unit.variant == "weight clipping" else float(np.quantile(np.abs(weights), 0.999))
    counts, edges = np.histogram(weights, BINS, (-1.02 * reach, 1.02 * reach))
    return {
        "at_clip": at_clip[-1],
        "at_largest": at_largest[-1],
        "steps": steps,
        "at_clip_through_training": at_clip,
        "histogram": (counts / len(weights)).tolist(),
        "edges": edges.tolist(),
    }


def weights_of(critic: Critic) -> np.ndarray:
    """Every weight of the linear layers; biases are clipped as well, and are few."""
    return torch.cat([p.detach().flatten() for p in critic.parameters() if p.ndim > 1]).double().numpy()


def share_near(weights: np.ndarray, end: float) -> float:
    """The share of weights within 1 % of +-end.

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
        Part("Share of weights within 1 % of the ends, under clipping", clipped, holds=0.1, fails=0.02),
        Part("The same under the penalty, around the clip's ends or its own largest weight", penalised, 0.02, 0.1),
    )


# ---- the figure ----------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, band, figure, label

    made = figure("Where a critic's weights lie under weight clipping and under a gradient penalty", 5.4)
    grid = axes(made, 2, 2, height_ratios=(3, 2))
    for column, (variant, colour) in enumerate(zip(METHODS, COLOURS, strict=False)):
        first = of(measured, variant)[0].numbers
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
        runs = [each.numbers for each in of(measured, variant)]
        shares = [[100 * share for share in n["at_clip_through_training"]] for n in runs]
        band(low, runs[0]["steps"], shares, colour, variant)
        other.bar(variant, 100 * np.mean([n["at_clip"] for n in runs]), color=colour)
    other.axhline(1, color="black", linestyle=":", linewidth=1)
    other.annotate("if spread evenly: 1 %", (1.45, 1), fontsize=8, ha="right", va="bottom")
    label(low, "generator steps", "% of weights at ±0.01", "through training", legend=True)
    label(other, "", "% of weights at ±0.01", "at the end")
    return {"weights": made}


CLAIM = Claim(
    name="clipping",
    number=5,
    says="Clipping drives the critic's weights to the two ends of the allowed range, so that it can only learn simple "
    "functions; a gradient penalty leaves them spread out.",
    source="Gulrajani et al. 2017, Improved training of Wasserstein GANs, section 3 and figure 1b; the WGAN article's "
    "last section",
    protocol="The same critic (4 hidden layers of 256 ReLU units, where the authors' code has 512) and generator learn "
    "the Swiss roll for 800 generator steps, 4,000 of the critic, once with WGAN's clipping to ±0.01 and once with "
    "WGAN-GP's penalty, each with its paper's optimiser; the critic begins with its weights spread evenly over ±0.01 "
    "both times. Counted are the weights of the linear layers that lie within 1 % of ±0.01; under the penalty also "
    "those within 1 % of its own largest weight, and the larger share is judged. A share of 1 % is what an even spread "
    "over the range would give: at least 10 % under clipping and at most 2 % under the penalty is asked for.",
    size=size,
    variants=lambda how: tuple(METHODS),
    measure=measure,
    judge=judge,
    draw=draw,
)
