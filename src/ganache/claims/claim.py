"""A claim: an experiment, a judgement and figures, each a function of plain data.

    size(settings) -> the size of the experiment          variants(size) -> the names of what is compared
    measure(unit, size) -> numbers: the experiment for one variant and one seed; the only part that takes long
    judge(measured) -> the parts of the claim, each a number with the values at which it holds and fails
    controls(measured) -> what must have happened in the trainings before the claim may be judged
    draw(measured) -> figures

So a claim can be judged again without measuring again, and a judge can be tested with invented numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ganache.claims.verdict import CONFIDENCE, Control, Outcome, Part, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIN_SEEDS = 3
"""Fewer seeds decide nothing if a network is trained."""

NEAR = 0.01
"""Share of the distance before training below which samples are as near as real pictures."""
WARM_UP = 0.1
"""Share of a training that is left out where losses are compared with quality."""

NOT_DECIDED: Outcome = "not decided"
UNDER_TRAINED: Outcome = "under-trained"

Numbers = dict[str, Any]
"""Numbers, lists of numbers, and text by name, as in JSON, but infinities are allowed."""


@dataclass(frozen=True)
class Settings:
    """The user's choices: the quick form or the full one, the number of seeds, and real pictures."""

    quick: bool = False
    seeds: int = MIN_SEEDS
    data: Mapping[str, str] = field(default_factory=dict)
    """Real pictures by kind ("mnist", "faces"): a source as in `ganache train`."""
    looks: int = 1
    """How often the claims may be judged, with more seeds each time."""


@dataclass(frozen=True)
class Size:
    """The size of an experiment.

    Its time grows with the fields whose names end in `steps` and `snapshots`; the estimate of the time relies on this.
    """

    def trial(self, steps: int, snapshots: int) -> Self:
        """Return a short form: the largest number of steps is `steps`, the others shrink in proportion."""
        share = steps / max(self.max_steps(), 1)
        cut = {name: max(1, round(count * share)) for name, count in self.counts("steps").items()}
        return replace(self, **cut | dict.fromkeys(self.counts("snapshots"), snapshots))

    def counts(self, ending: str) -> dict[str, int]:
        """Return the fields whose names end in `ending`."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.name.endswith(ending)}

    def max_steps(self) -> int:
        """Return the largest number of steps; 0 if there is none."""
        return max(self.counts("steps").values(), default=0)

    def max_snapshots(self) -> int:
        """Return the largest number of snapshots; 0 if there is none."""
        return max(self.counts("snapshots").values(), default=0)


@dataclass(frozen=True)
class Unit:
    """The smallest piece that is run and stored: one variant with one seed."""

    variant: str
    seed: int = 0

    @property
    def key(self) -> str:
        """The name of its file, without suffix.

        >>> Unit("ring8, wgan-gp", 2).key
        'ring8-wgan-gp-seed2'
        """
        return re.sub(r"[^\w.-]+", "-", self.variant) + f"-seed{self.seed}"


@dataclass(frozen=True)
class Measurement:
    """The numbers that a unit measured, and the seconds that it took."""

    unit: Unit
    numbers: Numbers
    seconds: float


S = TypeVar("S", bound=Size)
T = TypeVar("T")


@dataclass(frozen=True)
class Claim(Generic[S]):
    """A claim of a paper, with its experiment, its judgement and its figures."""

    name: str
    number: int
    """Its place in the report."""
    statement: str
    """The claim in one or two plain sentences."""
    source: str
    """Paper and section."""
    protocol: str
    """The experiment and the judgement in words, for readers who want to question them."""
    size: Callable[[Settings], S]
    variants: Callable[[S], Sequence[str]]
    measure: Callable[[Unit, S], Numbers]
    judge: Callable[[Sequence[Measurement]], tuple[Part, ...]]
    draw: Callable[[Sequence[Measurement]], dict[str, Figure]]
    """Return figures by name, the most informative one first."""
    controls: Callable[[Sequence[Measurement]], tuple[Control, ...]] = lambda measured: ()
    """Positive controls. A claim of which one is not passed is under-trained: it neither holds nor fails."""
    animate: Callable[[Sequence[Measurement]], dict[str, list[Figure]]] | None = None
    """Return the frames of animations, by name."""
    cost_group: Callable[[str], str] = str
    """variant -> a key that variants of equal cost share: the time is estimated with one of them."""
    seeded: bool = True
    """Whether the experiment is random. If not, one seed is enough."""
    fewest_seeds: int = MIN_SEEDS
    """Fewer decide nothing. A claim about what differs between seeds needs more of them than others."""
    experiment: str = ""
    """The name of the measurements if other claims judge them, too: these have the same size, variants and measure."""

    def units(self, size: S, seeds: int) -> list[Unit]:
        """Return every unit to run, seed by seed, so that an interrupted run has complete comparisons."""
        return [Unit(variant, seed) for seed in range(seeds if self.seeded else 1) for variant in self.variants(size)]

    def verdict(self, measured: Sequence[Measurement], quick: bool = False, looks: int = 1) -> Verdict:
        """Judge the measurements: holds if every part holds, fails if one part fails, else not decided.

        The quick form and fewer than MIN_SEEDS seeds decide nothing, and nor do trainings that did not go far enough.
        Measurements that are judged up to `looks` times, with more seeds each time, have wider intervals: the chance
        that one of the times decides by accident is that of a single time (Bonferroni).
        """
        confidence = 1 - (1 - CONFIDENCE) / looks
        seeds = len({each.unit.seed for each in measured})
        parts = tuple(replace(part, confidence=confidence, seeds=seeds) for part in self.judge(measured))
        controls = () if quick else self.controls(measured)
        missed = next((control for control in controls if not control.passed()), None)
        if quick:
            outcome, reason = NOT_DECIDED, "The quick form decides nothing: it is far too small."
        elif self.seeded and seeds < self.fewest_seeds:
            outcome, reason = NOT_DECIDED, f"Number of seeds: {seeds}; fewer than {self.fewest_seeds} decide nothing."
        elif missed is not None:
            outcome, reason = UNDER_TRAINED, missed.sentence()
        else:
            worst: tuple[Outcome, ...] = ("fails", NOT_DECIDED, "holds")
            deciding = min(parts, key=lambda part: worst.index(part.outcome()))
            outcome, reason = deciding.outcome(), deciding.sentence()
        return Verdict(outcome, reason, parts, controls)


# ---- for judges and figures ----------------------------------------------------------------------------------------


def runs_of(measured: Sequence[Measurement], variant: str) -> list[Measurement]:
    """Return the measurements of one variant, in the order of their seeds."""
    return sorted((each for each in measured if each.unit.variant == variant), key=lambda each: each.unit.seed)


def values(measured: Sequence[Measurement], variant: str, name: str) -> tuple[float, ...]:
    """Return one number of one variant: one value per seed."""
    return tuple(float(each.numbers[name]) for each in runs_of(measured, variant))


def nearest(measured: Sequence[Measurement], variant: str, name: str = "frechet") -> tuple[float, ...]:
    """Return a distance of one variant, by seed: at least NEAR of that before training, below which it is noise."""
    pairs = zip(values(measured, variant, name), values(measured, variant, "untrained"), strict=True)
    return tuple(max(distance, NEAR * untrained) for distance, untrained in pairs)


def ratios(above: Sequence[float], below: Sequence[float]) -> tuple[float, ...]:
    """Return the ratios of two numbers, by seed."""
    return tuple(a / max(b, 1e-12) for a, b in zip(above, below, strict=True))


def shares(measured: Sequence[Measurement], variant: str, name: str = "frechet") -> tuple[float, ...]:
    """Return a distance of one variant as a share of that before training, by seed."""
    return ratios(values(measured, variant, name), values(measured, variant, "untrained"))


def best_shares(measured: Sequence[Measurement], variant: str) -> tuple[float, ...]:
    """Return the smallest distance during training as a share of that before it, by seed."""
    smallest = [min(run.numbers["frechet_through_training"]) for run in runs_of(measured, variant)]
    return ratios(smallest, values(measured, variant, "untrained"))


def after_warm_up(numbers: Numbers, *names: str) -> list[list[float]]:
    """Return the steps and these series, without the first tenth of the steps.

    At first a critic's loss shows the progress of the critic, not of the samples.
    """
    steps = numbers["steps"]
    kept = [place for place, step in enumerate(steps) if step >= max(1, WARM_UP * steps[-1])]
    return [[numbers[name][place] for place in kept] for name in ("steps", *names)]


def at_rest(curve: Sequence[float], count: int) -> float:
    """Return the mean of the last `count` values of a curve, divided by that of as many before them."""
    (ratio,) = ratios([fmean(curve[-count:])], [fmean(curve[-2 * count : -count])])
    return ratio


def variants(measured: Sequence[Measurement]) -> list[str]:
    """Return the measured variants, in the order in which they were run."""
    return list(dict.fromkeys(each.unit.variant for each in measured))


def pseudo_values(statistic: Callable[[Sequence[T]], float], seeds: Sequence[T]) -> tuple[float, ...]:
    """Return the jackknife's pseudo-values of a statistic of all seeds together, one for each (Tukey 1958).

    Their mean is the statistic, without most of its bias, and their confidence interval that of the statistic.

    >>> pseudo_values(lambda numbers: sum(numbers) / len(numbers), [1.0, 2.0, 6.0])
    (1.0, 2.0, 6.0)
    """
    count, whole = len(seeds), statistic(seeds)
    rest = ([*seeds[:place], *seeds[place + 1 :]] for place in range(count))
    return tuple(count * whole - (count - 1) * statistic(each) for each in rest)


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Return Spearman's rank correlation; NaN if x or y is constant or not finite.

    >>> round(rank_correlation([1, 2, 3, 4], [0.1, 0.2, 5.0, 7.0]), 6)
    1.0
    """
    from scipy.stats import spearmanr

    finite = all(math.isfinite(value) for value in (*x, *y))
    varying = len(set(x)) > 1 and len(set(y)) > 1
    return float(spearmanr(x, y).statistic) if finite and varying else math.nan
