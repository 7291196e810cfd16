"""Claim 7: on distributions in the plane the GAN drops modes, WGAN and WGAN-GP do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Size, Unit, runs_of, values
from ganache.claims.training import config, em_floor, em_to_held_out, held_out, snapshots, surface
from ganache.claims.verdict import Control, Part
from ganache.data import TOYS
from ganache.evaluation.metrics.modes import high_quality_share, modes_covered
from ganache.methods import WganGp
from ganache.networks import Mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIXTURES = ("ring8", "grid25")
METHODS = ("gan", "wgan", "wgan-gp")
"""The first should drop modes, the others should not."""
PENALTY = 0.1
"""WGAN-GP's lambda for toys in its authors' code, igul222/improved_wgan_training, gan_toy.py; for pictures it is 10."""
BATCH = 128
LIMIT, CELLS = 1.5, 33
"""Figures show [-LIMIT, LIMIT]^2, with the critic's scores on a grid of CELLS x CELLS."""
SHOWN_POINTS = 200
"""Number of points in a figure."""
MEASURED_POINTS = 300
"""Number of points for the EM distance during training."""


@dataclass(frozen=True)
class Training(Size):
    hidden: int = 128
    layers: int = 3
    points: int = 10_000
    """Number of generated points in which modes are counted."""
    em_points: int = 1000
    """Number of them that the exact EM distance compares."""
    snapshots: int = 16
    """Number of snapshots of the points and the critic during training."""
    steps: int = 20_000


# ---- the experiment ------------------------------------------------------------------------------------------------


def choose_size(settings: Settings) -> Training:
    return Training(32, 2, 500, 100, 3, 20) if settings.quick else Training()


def variants_of(size: Training) -> tuple[str, ...]:
    return tuple(f"{toy}, {method}" for toy in MIXTURES for method in METHODS)


def measure(unit: Unit, size: Training) -> Numbers:
    """Train one method on one toy.

    The first seed also stores points and the critic's scores for figures.
    """
    toy, method = unit.variant.split(", ")
    settings = config(method, Mlp(16, size.hidden, size.layers), toy, unit.seed, BATCH)
    if method == "wgan-gp":
        settings = replace(settings, method=WganGp(PENALTY))
    frames: list[dict[str, Any]] = []
    centres, std = TOYS[toy].centres, TOYS[toy].std
    assert centres is not None
    assert std is not None
    steps, distances, modes = [], [], []
    for snapshot in snapshots(settings, size.steps, size.snapshots):
        fakes = snapshot.points(size.points)
        steps.append(snapshot.step)
        distances.append(em_to_held_out(toy, fakes[:MEASURED_POINTS]))
        modes.append(modes_covered(fakes, centres, std))
        if unit.seed == 0:
            heights = surface(snapshot.state.critic, CELLS, LIMIT)
            frames.append(
                {"step": snapshot.step, "surface": heights, "points": np.round(fakes[:SHOWN_POINTS], 3).tolist()}
            )
    numbers: Numbers = {
        "earth_mover": em_to_held_out(toy, fakes[: size.em_points]),
        "floor": em_floor(toy, size.em_points),
    }
    numbers |= {"steps": steps, "earth_mover_through_training": distances}
    numbers |= {"modes": modes[-1], "modes_through_training": modes}
    numbers["high_quality"] = high_quality_share(fakes, centres, std)
    return numbers | ({"frames": frames} if frames else {})


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    def covered(method: str) -> tuple[float, ...]:
        both = [values(measured, f"{toy}, {method}", "modes") for toy in MIXTURES]
        return tuple(map(sum, zip(*both, strict=True)))

    return (
        Part("Modes covered by the GAN, of the 33 of ring8 and grid25", covered("gan"), holds=30, fails=33),
        Part("Modes covered by WGAN", covered("wgan"), holds=32, fails=29),
        Part("Modes covered by WGAN-GP", covered("wgan-gp"), holds=32, fails=29),
    )


def controls(measured: Sequence[Measurement]) -> tuple[Control, ...]:
    """WGAN learns slowly: it must have come to rest, wherever that is."""

    def still(toy: str) -> tuple[float, ...]:
        curves = [run.numbers["earth_mover_through_training"] for run in runs_of(measured, f"{toy}, wgan")]
        return tuple((fmean(curve[-6:-3]) - fmean(curve[-3:])) / curve[0] for curve in curves)

    reason = "While the points of WGAN still come nearer, it may find modes that it has not found yet."
    words = "What the EM distance of WGAN on {} loses in the last fifth of the steps, as a share of the first"
    return tuple(Control(words.format(toy), still(toy), 0.05, reason) for toy in MIXTURES)


# ---- the figures ---------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    return {"surfaces": surfaces(measured, -1), "modes": counts(measured), "progress": progress(measured)}


def counts(measured: Sequence[Measurement]) -> Figure:
    from ganache.claims.drawing import COLOURS, axes, figure, label

    fig = figure("Modes that each method covers, and the distance of its points to real ones", 4.4)
    grid = axes(fig, 2, 2)
    panels = (
        (grid[0, 0], MIXTURES[:1], "modes", "ring8: modes covered, of 8", 8),
        (grid[0, 1], MIXTURES[1:], "modes", "grid25: modes covered, of 25", 25),
        (grid[1, 0], MIXTURES, "high_quality", "share of points near a mode", 0.989),
        (grid[1, 1], MIXTURES, "earth_mover", "exact EM to held-out points", None),
    )
    for ax, toys, name, words, best in panels:
        for toy, colour in zip(MIXTURES, COLOURS, strict=False):
            for row, method in enumerate(METHODS if toy in toys else ()):
                found = np.array(values(measured, f"{toy}, {method}", name))
                found = found[np.isfinite(found)]  # a training may diverge to NaN
                ax.plot(found, np.full(len(found), row), "|", color=colour, markersize=9, alpha=0.7)
                middle = found.mean() if len(found) else np.nan
                ax.plot(middle, row, "o", color=colour, markersize=5, label=toy if row == 0 else None)
            if best is None:
                floor = runs_of(measured, f"{toy}, {METHODS[0]}")[0].numbers["floor"]
                ax.axvline(floor, color=colour, linestyle=":", linewidth=1)
        if best is not None:
            ax.axvline(best, color="black", linestyle=":", linewidth=1)
        ax.set_yticks(range(len(METHODS)), METHODS, fontsize=8)
        ax.invert_yaxis()
        ax.set_xlim(left=-0.02 * ax.get_xlim()[1])  # a dot at 0 is not cut
        label(ax, words, "", "", legend=len(toys) > 1)
    fig.supxlabel("dot: mean over seeds, strokes: single seeds; dotted: value of the data themselves", fontsize=9)
    return fig


def progress(measured: Sequence[Measurement]) -> Figure:
    """Draw modes and distance during training, which show whether the number of steps was enough."""
    from ganache.claims.drawing import COLOURS, axes, band, figure, label, logarithmic

    fig = figure("Modes, and the distance of generated points to real ones, during training", 5.6)
    rows = {"modes": "modes covered", "earth_mover": "exact EM to held-out points"}
    for row, (name, words) in zip(axes(fig, 2, len(MIXTURES), sharex=True), rows.items(), strict=True):
        for ax, toy in zip(row, MIXTURES, strict=True):
            for method, colour in zip(METHODS, COLOURS, strict=False):
                runs = [m.numbers for m in runs_of(measured, f"{toy}, {method}")]
                band(ax, runs[0]["steps"], [n[f"{name}_through_training"] for n in runs], colour, method)
            if name == "earth_mover":
                logarithmic(ax, "y")
            label(ax, "generator steps", words if toy == MIXTURES[0] else "", toy)
    fig.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8)
    return fig


def surfaces(measured: Sequence[Measurement], frame: int) -> Figure:
    """Draw the critic's scores with real and generated points of the first seed, for each method, at one snapshot."""
    from ganache.claims.drawing import axes, figure, surface

    first = runs_of(measured, f"{MIXTURES[0]}, {METHODS[0]}")[0].numbers["frames"][frame]
    fig = figure(f"Scores of the critic (bright: more real), and points, after {first['step']:,} steps", 5.2)
    for row, toy in zip(axes(fig, len(MIXTURES), len(METHODS)), MIXTURES, strict=True):
        for ax, method in zip(row, METHODS, strict=True):
            seen = runs_of(measured, f"{toy}, {method}")[0].numbers["frames"][frame]
            surface(ax, seen["surface"], LIMIT, held_out(toy, SHOWN_POINTS), seen["points"])
            ax.set_title(f"{toy}, {method}", fontsize=9)
    fig.supxlabel("white: real points; red: generated points; arrows: direction in which the score rises", fontsize=9)
    return fig


def animate(measured: Sequence[Measurement]) -> dict[str, list[Figure]]:
    count = len(runs_of(measured, f"{MIXTURES[0]}, {METHODS[0]}")[0].numbers["frames"])
    return {"training": [surfaces(measured, frame) for frame in range(count)]}


CLAIM = Claim(
    name="modes",
    number=7,
    statement="On simple distributions in the plane the original GAN drops modes; WGAN and WGAN-GP find all of them.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.3; Gulrajani et al. 2017, figure 1a",
    protocol="Each method, with the optimisers and critic schedule of its own recipe, is trained on two "
    "distributions in the plane: 8 Gaussians on a ring, and 25 on a grid. The networks are the same pair of MLPs (3 "
    "hidden layers of 128 ReLU units), with batches of 128 and 20,000 generator steps. WGAN-GP's penalty has weight "
    "0.1, as for the toys of its authors' code, which has 512 units and 100,000 steps. Of 10,000 generated points, a "
    "mode counts as covered if at least 1 % of the points due to it lie within 3 standard deviations of its centre. "
    "Also given are the share of points within this distance of any mode, and the exact EM distance of 1,000 points "
    "to held-out points. Before the claim is judged, WGAN must have come to rest: in the last fifth of the steps its "
    "EM distance must lose at most 0.05 of the first one. The claim holds if the GAN misses at least 3 of the 33 "
    "modes and WGAN and WGAN-GP at most 1; it fails if the GAN misses none, or one of the others misses 4 or more. "
    "There is no average of generators.",
    size=choose_size,
    variants=variants_of,
    measure=measure,
    judge=judge,
    controls=controls,
    draw=draw,
    animate=animate,
    cost_group=lambda variant: variant.split(", ")[1],
)
