"""Claim 7: on 2-D toys the GAN drops modes, WGAN and WGAN-GP do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ganache.claims.claim import Claim, Measurement, Numbers, Settings, Size, Unit, of, values, variants
from ganache.claims.training import config, em_floor, em_to_held_out, held_out, looks, method_recipes, surface
from ganache.claims.verdict import Part
from ganache.data import TOYS
from ganache.evaluation.metrics.modes import high_quality_share, modes_covered
from ganache.methods import WganGp
from ganache.networks import Mlp

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_TOYS = ("ring8", "grid25", "swissroll")
SHOWN = ("gan", "wgan", "wgan-gp")
"""The methods that the claim is about: the first should drop modes, the others not."""
PENALTY = 0.1
"""WGAN-GP's lambda on toys in its authors' code, igul222/improved_wgan_training, gan_toy.py; 10 is for pictures."""
BATCH, LIMIT, CELLS, DOTS, FEW = 128, 1.5, 33, 200, 300
"""Of training, of the drawn square, of its grid, and how many points are drawn and measured on the way."""


@dataclass(frozen=True)
class Training(Size):
    methods: tuple[str, ...] = field(default_factory=lambda: tuple(method_recipes()))
    hidden: int = 128
    layers: int = 3
    points: int = 10_000
    """Generated, of which modes are counted."""
    carried: int = 1000
    """Of them, for the exact EM."""
    looks: int = 16
    """At the points and the critic, through training."""
    steps: int = 5000


# ---- the experiment ------------------------------------------------------------------------------------------------


def size(settings: Settings) -> Training:
    return Training(SHOWN, 32, 2, 500, 100, 3, 20) if settings.quick else Training()


def variants_of(how: Training) -> tuple[str, ...]:
    return tuple(f"{toy}, {method}" for toy in SHOWN_TOYS for method in how.methods)


def measure(unit: Unit, how: Training) -> Numbers:
    """The first seed keeps what a figure needs: points and the critic's surface, of the claim's own methods often."""
    toy, method = unit.variant.split(", ")
    settings = config(method, Mlp(16, how.hidden, how.layers), toy, unit.seed, BATCH)
    if method == "wgan-gp":
        settings = replace(settings, method=WganGp(PENALTY))
    frames: list[dict[str, Any]] = []
    steps, distances = [], []
    for look in looks(settings, how.steps, how.looks):
        fakes = look.fakes(how.points)
        steps.append(look.step)
        distances.append(em_to_held_out(toy, fakes[:FEW]))
        if unit.seed == 0:
            if method not in SHOWN:
                frames.clear()
            heights = surface(look.state.critic, CELLS, LIMIT)
            frames.append({"step": look.step, "surface": heights, "points": np.round(fakes[:DOTS], 3).tolist()})
    numbers: Numbers = {"earth_mover": em_to_held_out(toy, fakes[: how.carried]), "floor": em_floor(toy, how.carried)}
    numbers |= {"steps": steps, "earth_mover_through_training": distances}
    centres, std = TOYS[toy].centres, TOYS[toy].std
    if centres is not None and std is not None:
        covered = modes_covered(fakes, centres, std)
        quality = high_quality_share(fakes, centres, std)
        numbers |= {"modes": covered, "share_of_modes": covered / len(centres), "high_quality": quality}
    return numbers | ({"frames": frames} if frames else {})


# ---- the judgement -------------------------------------------------------------------------------------------------


def judge(measured: Sequence[Measurement]) -> tuple[Part, ...]:
    def covered(method: str) -> tuple[float, ...]:
        both = [values(measured, f"{toy}, {method}", "modes") for toy in ("ring8", "grid25")]
        return tuple(map(sum, zip(*both, strict=True)))

    return (
        Part("Modes that the GAN covers, of the 33 of ring8 and grid25", covered("gan"), holds=30, fails=33),
        Part("Modes that WGAN covers", covered("wgan"), holds=32, fails=29),
        Part("Modes that WGAN-GP covers", covered("wgan-gp"), holds=32, fails=29),
    )


# ---- the figures ---------------------------------------------------------------------------------------------------


def draw(measured: Sequence[Measurement]) -> dict[str, Figure]:
    from ganache.claims.drawing import COLOURS, axes, figure, label

    methods = list(dict.fromkeys(variant.split(", ")[1] for variant in variants(measured)))
    counts = figure("How many modes each method reaches, and how far its points are from the real", 5.6)
    grid = axes(counts, 2, 2)
    mixtures = SHOWN_TOYS[:2]
    panels = (
        (grid[0, 0], mixtures[:1], "modes", "ring8: modes covered, of 8", 8),
        (grid[0, 1], mixtures[1:], "modes", "grid25: modes covered, of 25", 25),
        (grid[1, 0], mixtures, "high_quality", "share of points that lie at a mode", 0.989),
        (grid[1, 1], SHOWN_TOYS, "earth_mover", "exact EM to held-out points", None),
    )
    for each, toys, name, words, best in panels:
        for toy, colour in zip(SHOWN_TOYS, COLOURS, strict=False):
            for row, method in enumerate(methods if toy in toys else ()):
                found = np.array(values(measured, f"{toy}, {method}", name))
                found = found[np.isfinite(found)]  # a training may have left the numbers
                each.plot(found, np.full(len(found), row), "|", color=colour, markersize=9, alpha=0.7)
                middle = found.mean() if len(found) else np.nan
                each.plot(middle, row, "o", color=colour, markersize=5, label=toy if row == 0 else None)
            if best is None:
                floor = of(measured, f"{toy}, {methods[0]}")[0].numbers["floor"]
                each.axvline(floor, color=colour, linestyle=":", linewidth=1)
        if best is not None:
            each.axvline(best, color="black", linestyle=":", linewidth=1)
        each.set_yticks(range(len(methods)), methods, fontsize=8)
        each.invert_yaxis()
        each.set_xlim(left=-0.02 * each.get_xlim()[1])  # a dot at 0 is whole
        label(each, words, "", "", legend=len(toys) > 1)
    counts.supxlabel("dot: mean over the seeds, strokes: each seed; dotted: what the data themselves have", fontsize=9)
    return {"modes": counts, "surfaces": surfaces(measured, -1), "progress": progress(measured, methods)}


def progress(measured: Sequence[Measurement], methods: Sequence[str]) -> Figure:
    """How the distance falls: whether the budget was enough is seen here."""
    from ganache.claims.drawing import COLOURS, axes, band, figure, label, logarithmic

    made = figure("Distance of generated points to real ones through training", 3.8)
    for each, toy in zip(axes(made, 1, len(SHOWN_TOYS), sharey=True)[0], SHOWN_TOYS, strict=True):
        for method, colour in zip(methods, COLOURS, strict=False):
            runs = [m.numbers for m in of(measured, f"{toy}, {method}")]
            band(each, runs[0]["steps"], [n["earth_mover_through_training"] for n in runs], colour, method)
        logarithmic(each, "y")
        label(each, "generator steps", "exact EM to held-out points" if toy == SHOWN_TOYS[0] else "", toy)
    made.legend(*each.get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8)
    return made


def surfaces(measured: Sequence[Measurement], frame: int) -> Figure:
    """The critic's values and both kinds of points of the first seed, method by method, at one look."""
    from ganache.claims.drawing import axes, figure, surface

    shown = [m for m in SHOWN if of(measured, f"ring8, {m}")]
    first = of(measured, f"ring8, {shown[0]}")[0].numbers["frames"][frame]
    made = figure(f"What the critic wants (bright: more real), and the points, after {first['step']:,} steps", 7.4)
    for row, toy in zip(axes(made, len(SHOWN_TOYS), len(shown)), SHOWN_TOYS, strict=True):
        for each, method in zip(row, shown, strict=True):
            seen = of(measured, f"{toy}, {method}")[0].numbers["frames"][frame]
            surface(each, seen["surface"], LIMIT, held_out(toy, DOTS), seen["points"])
            each.set_title(f"{toy}, {method}", fontsize=9)
    made.supxlabel("white: real points; red: generated; arrows: where the critic's value rises", fontsize=9)
    return made


def animate(measured: Sequence[Measurement]) -> dict[str, list[Figure]]:
    count = len(of(measured, f"ring8, {SHOWN[0]}")[0].numbers["frames"])
    return {"training": [surfaces(measured, frame) for frame in range(count)]}


CLAIM = Claim(
    name="modes",
    number=7,
    says="On simple distributions in the plane the original GAN drops modes; WGAN and WGAN-GP find them all.",
    source="Arjovsky, Chintala & Bottou 2017, Wasserstein GAN, section 4.3; Gulrajani et al. 2017, figure 1a",
    protocol="Every method, with its own recipe's optimisers and critic schedule, learns three distributions in the "
    "plane with the same pair of MLPs (3 hidden layers of 128 ReLU units, batch 128, 5,000 generator steps; WGAN-GP's "
    "penalty weighs 0.1, as on the toys of its authors' code, which has 512 units and 100,000 steps): 8 "
    "Gaussians on a ring, 25 on a grid, and a Swiss roll. Of 10,000 generated points, a mode counts as covered when at "
    "least 1 % of the points due to it lie within 3 standard deviations of its centre; the share of points within "
    "reach of any mode, and the exact EM distance of 1,000 to held-out points, stand beside. The claim holds where "
    "the GAN misses at least 3 of the 33 modes and WGAN and WGAN-GP at most 1; it fails where the GAN misses none or "
    "one of the others 4 or more. No average of generators is used.",
    size=size,
    variants=variants_of,
    measure=measure,
    judge=judge,
    draw=draw,
    animate=animate,
    costs_like=lambda variant: variant.split(", ")[1],
)
