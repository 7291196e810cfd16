"""What a claim is: an experiment, a judgement and figures, each a function of plain data.

    size(settings) -> how large the experiment is          variants(size) -> what is compared
    measure(unit, size) -> numbers: the experiment, of one variant from one seed; the only part that takes long
    judge(measured) -> the parts of the claim, each a number with where it holds and where it fails
    draw(measured) -> figures

So a verdict can be reached anew without measuring anew, and a judge can be tested with made-up numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ganache.claims.verdict import Outcome, Part, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_SEEDS = 3
"""Fewer decide nothing where a network is trained."""

Numbers = dict[str, Any]
"""Numbers, lists of numbers and text under their names, as JSON holds them; infinities are allowed."""


@dataclass(frozen=True)
class Settings:
    """What the user chose."""

    quick: bool = False
    seeds: int = LEAST_SEEDS
    data: Mapping[str, str] = field(default_factory=dict)
    """Real pictures by their kind, "mnist" and "faces": a source, as `ganache train` takes it."""


@dataclass(frozen=True)
class Size:
    """How large an experiment is. Its time grows with the fields that end in `steps`, all together, and in `looks`."""

    def rehearsal(self, steps: int, looks: int) -> Self:
        """The same experiment with the largest number of steps cut to `steps`, the others alike, and so many looks."""
        share = steps / max(self.most_steps(), 1)
        cut = {name: max(1, round(count * share)) for name, count in self.counts("steps").items()}
        return replace(self, **cut | dict.fromkeys(self.counts("looks"), looks))

    def counts(self, ending: str) -> dict[str, int]:
        """The fields whose names end so."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name.endswith(ending)}

    def most_steps(self) -> int:
        """The largest number of steps; 0 without any."""
        return max(self.counts("steps").values(), default=0)

    def most_looks(self) -> int:
        """How often somebody looks; 0 where that is not told."""
        return max(self.counts("looks").values(), default=0)


@dataclass(frozen=True)
class Unit:
    """The smallest piece that is run and kept: one variant from one seed."""

    variant: str
    seed: int = 0

    @property
    def key(self) -> str:
        """Its file's name, without ending.

        >>> Unit("ring8, wgan-gp", 2).key
        'ring8-wgan-gp-seed2'
        """
        return re.sub(r"[^\w.-]+", "-", self.variant) + f"-seed{self.seed}"


@dataclass(frozen=True)
class Measurement:
    """What came out of a unit."""

    unit: Unit
    numbers: Numbers
    seconds: float


S = TypeVar("S", bound=Size)


@dataclass(frozen=True)
class Claim(Generic[S]):
    """A claim of a paper, how it is tried, how it is judged and how it is drawn."""

    name: str
    number: int
    """Its place in the report."""
    says: str
    """The claim in a reader's words."""
    source: str
    """Paper and section."""
    protocol: str
    """The experiment and the judgement in words, for whoever wants to doubt them."""
    size: Callable[[Settings], S]
    variants: Callable[[S], Sequence[str]]
    measure: Callable[[Unit, S], Numbers]
    judge: Callable[[Sequence[Measurement]], tuple[Part, ...]]
    draw: Callable[[Sequence[Measurement]], dict[str, Figure]]
    """Figures by name, the one that tells most first."""
    animate: Callable[[Sequence[Measurement]], dict[str, list[Figure]]] | None = None
    """Frames by name."""
    costs_like: Callable[[str], str] = str
    """variant -> what stands for its cost: of several that cost the same, one is rehearsed."""
    seeded: bool = True
    """Whether chance plays a part; without, one seed says all."""

    def units(self, how: S, seeds: int) -> list[Unit]:
        """All that is to be run, seed by seed: a run that was stopped has whole comparisons."""
        return [Unit(variant, seed) for seed in range(seeds if self.seeded else 1) for variant in self.variants(how)]

    def verdict(self, measured: Sequence[Measurement], quick: bool = False) -> Verdict:
        """It holds where every part holds, fails where one fails, and else is not decided.

        Neither the quick form nor too few seeds decide anything.
        """
        parts = self.judge(measured)
        seeds = len({each.unit.seed for each in measured})
        if quick:
            return Verdict("not decided", "The quick form decides nothing: it is far too small.", parts)
        if self.seeded and seeds < LEAST_SEEDS:
            return Verdict("not decided", f"Seeds tried: {seeds}; fewer than {LEAST_SEEDS} decide nothing.", parts)
        worst: tuple[Outcome, ...] = ("fails", "not decided", "holds")
        decides = min(parts, key=lambda part: worst.index(part.outcome()))
        return Verdict(decides.outcome(), decides.says(), parts)


# ---- for judges and figures ----------------------------------------------------------------------------------------


def of(measured: Sequence[Measurement], variant: str) -> list[Measurement]:
    """The measurements of one variant, by their seeds."""
    return sorted((each for each in measured if each.unit.variant == variant), key=lambda each: each.unit.seed)


def values(measured: Sequence[Measurement], variant: str, name: str) -> tuple[float, ...]:
    """One number of one variant, one value a seed."""
    return tuple(float(each.numbers[name]) for each in of(measured, variant))


def variants(measured: Sequence[Measurement]) -> list[str]:
    """The variants that were measured, in the order they were run."""
    return list(dict.fromkeys(each.unit.variant for each in measured))


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Spearman's; NaN where one of them does not change, or is no number.

    >>> round(rank_correlation([1, 2, 3, 4], [0.1, 0.2, 5.0, 7.0]), 6)
    1.0
    """
    from scipy.stats import spearmanr

    finite = all(math.isfinite(value) for value in (*x, *y))
    moving = len(set(x)) > 1 and len(set(y)) > 1
    return float(spearmanr(x, y).statistic) if finite and moving else math.nan
