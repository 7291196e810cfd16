"""Verdicts: measured numbers, the values at which each holds or fails, and the outcome."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["holds", "fails", "not decided", "under-trained"]

CONFIDENCE = 0.95
"""Of the interval around the mean over the seeds, by which a part is decided."""
POWER = 0.8
"""Share of repetitions in which a difference is to be detected."""
MOST_SEEDS = 1_000
"""More seeds than these are not planned."""


@dataclass(frozen=True)
class Part:
    """One measured number that a claim depends on.

    If `holds` is above `fails`, values of at least `holds` support the claim and values of at most `fails` contradict
    it; if it is not, it is the other way round. Values between the two decide nothing.
    """

    what: str
    values: tuple[float, ...]
    """One value per seed."""
    holds: float
    fails: float
    confidence: float = CONFIDENCE
    """Of the interval around the mean that decides."""
    yes_no: bool = False
    """Whether each value is 1 for yes or 0 for no."""
    seeds: int | None = None
    """The number of seeds, where not each of them has a value."""

    def outcome(self) -> Outcome:
        """Return the outcome: decided only if the whole confidence interval of the mean is on one side.

        >>> Part("modes", (8.0, 8.0, 9.0, 8.0), holds=7, fails=5).outcome()
        'holds'
        >>> Part("error", (0.2, 0.01, 0.1), holds=0.1, fails=0.5).outcome()
        'not decided'
        """
        return self.side(*self.interval())

    def side(self, low: float, high: float) -> Outcome:
        """Return what an interval says that lies on one side as a whole."""
        if self.holds > self.fails:
            return "holds" if low >= self.holds else "fails" if high <= self.fails else "not decided"
        return "holds" if high <= self.holds else "fails" if low >= self.fails else "not decided"

    def interval(self) -> tuple[float, float]:
        """Return the confidence interval of the mean (Student's t); NaN if a value is not finite, or there is none.

        Values that are all equal are their own interval, such as the one of an experiment without chance; but the
        interval of a share of yeses is the exact one (Clopper & Pearson 1934).

        >>> [round(end, 3) for end in Part("it", (1.0, 2.0, 3.0), 1, 0).interval()]
        [-0.484, 4.484]
        >>> [round(end, 3) for end in Part("it", (0.0,) * 11, 0.2, 0.5, yes_no=True).interval()]
        [0.0, 0.285]
        """
        if self.yes_no:
            return exact_interval(sum(self.values), len(self.values), self.confidence)
        if len(set(self.values)) == 1:
            return self.values[0], self.values[0]
        mean = mean_of(self.values)
        half = self.half_width(len(self.values)) if math.isfinite(mean) else math.nan
        return mean - half, mean + half

    def leans_to(self) -> Outcome:
        """Return what the mean alone would say."""
        mean = mean_of(self.values)
        return self.side(mean, mean)

    def seeds_needed(self) -> int | None:
        """Return the number of seeds with which this mean and spread decide; None if no number would.

        None if the mean is between the two numbers, or is not finite.

        >>> Part("it", (1.0, 2.0, 3.0), holds=1, fails=0).seeds_needed()
        7
        """
        found, mean, numbers = len(self.values), mean_of(self.values), range(2, MOST_SEEDS + 1)
        sign = 1 if self.holds > self.fails else -1
        margin = max(sign * (mean - self.holds), sign * (self.fails - mean))
        count: int | None
        if found < 2 or not math.isfinite(mean) or margin <= 0:
            count = found if self.outcome() in ("holds", "fails") else None
        elif self.yes_no:
            ends = ((n, exact_interval(round(mean * n), n, self.confidence)) for n in numbers)
            count = next((n for n, interval in ends if self.side(*interval) != "not decided"), None)
        else:
            count = next((n for n in numbers if self.half_width(n) <= margin), None)
        return None if count is None else math.ceil(count * max((self.seeds or found) / max(found, 1), 1))

    def detects(self) -> float:
        """Return the smallest difference that as many values with this spread detect in four of five repetitions.

        NaN if they say nothing on their spread.
        """
        count = len(self.values)
        if self.yes_no or len(set(self.values)) < 2 or not math.isfinite(mean_of(self.values)):
            return math.nan
        from scipy.stats import t

        power = float(t.ppf(POWER, count - 1)) * statistics.stdev(self.values) / math.sqrt(count)
        return self.half_width(count) + power

    def half_width(self, count: int) -> float:
        """Return half the length of the confidence interval of the mean of `count` values with this spread.

        NaN if a value is not finite.
        """
        if not all(map(math.isfinite, self.values)):
            return math.nan
        if len(self.values) < 2 or count < 2:
            return 0.0
        from scipy.stats import t

        quantile = float(t.ppf((1 + self.confidence) / 2, count - 1))
        return quantile * statistics.stdev(self.values) / math.sqrt(count)

    def number(self) -> str:
        """Return the mean and standard deviation over the seeds, as text."""
        return spread(self.values)

    def sentence(self) -> str:
        """Return a sentence with the number and what the claim requires of it."""
        bound = "at least" if self.holds > self.fails else "at most"
        required = f"the claim requires {bound} {shown(self.holds)}"
        return f"{self.what}: {self.number()}; {required}{self.ending()}."

    def ending(self) -> str:
        outcome = self.outcome()
        if outcome != "not decided":
            return ", so this contradicts it" if outcome == "fails" else ""
        low, high = self.interval()
        if not self.values:
            return ", and there is no such seed"
        if math.isnan(low):
            return ", and there is no mean: a value is not finite"
        interval = f". The mean is between {shown(low)} and {shown(high)}"
        if self.leans_to() == "not decided":
            return f", and contradicts the claim from {shown(self.fails)} on: it is between the two"
        needed = self.seeds_needed()
        return f"{interval}; {f'about {needed}' if needed else f'more than {MOST_SEEDS:,}'} seeds would decide"


@dataclass(frozen=True)
class Control:
    """A positive control: a number that shows that a training went far enough for the claim to be judged."""

    what: str
    values: tuple[float, ...]
    """One value per seed."""
    bound: float
    reason: str
    """Why this number was required: one sentence, set with the number, before the measurement."""
    at_least: bool = False
    """Whether it must be at least the bound, or at most."""
    whose: str = "in every seed"
    """What the values describe, as the report shows it."""

    def passed(self) -> bool:
        """Return whether every seed reached it.

        >>> Control("distance", (0.1, 0.2), 0.2, "").passed(), Control("classes", (9, 7), 8, "", at_least=True).passed()
        (True, False)
        """
        sign = 1 if self.at_least else -1
        return bool(self.values) and all(sign * value >= sign * self.bound for value in self.values)

    def progress(self) -> float:
        """Return how far the seed that is farthest from the bound has come, from 0 to 1.

        >>> Control("distance", (0.1, 0.4), 0.2, "").progress(), Control("classes", (4,), 8, "", True).progress()
        (0.5, 0.5)
        """
        if self.passed():
            return 1.0
        return min((self.share(value) for value in self.values), default=0.0)

    def share(self, value: float) -> float:
        """Return how far one value has come."""
        if (value >= self.bound) if self.at_least else (value <= self.bound):
            return 1.0
        share = value / self.bound if self.at_least else self.bound / value
        return max(share, 0.0) if math.isfinite(share) else 0.0

    def number(self) -> str:
        """Return the mean and standard deviation over the seeds, as text."""
        return spread(self.values)

    def sentence(self) -> str:
        """Return a sentence with how far the training got."""
        required = f"{'at least' if self.at_least else 'at most'} {shown(self.bound)} {self.whose}"
        return f"{self.what}: {self.number()}; before the claim can be judged it must be {required}."


@dataclass(frozen=True)
class Verdict:
    """The outcome of a claim."""

    outcome: Outcome
    reason: str
    """One sentence: the part that decides, or why nothing is decided."""
    parts: tuple[Part, ...]
    controls: tuple[Control, ...] = ()

    def seeds_needed(self) -> int | None:
        """Return the number of seeds with which these means and spreads would decide; None if no number would.

        One part that fails decides, and all have to hold.
        """
        if self.outcome == "under-trained":
            return None
        needed = [(part.leans_to(), part.seeds_needed()) for part in self.parts]
        failing = [count for leaning, count in needed if leaning == "fails" and count is not None]
        if failing:
            return min(failing)
        holding = [count for leaning, count in needed if leaning == "holds" and count is not None]
        return max(holding) if len(holding) == len(self.parts) else None


def exact_interval(yeses: float, count: int, confidence: float) -> tuple[float, float]:
    """Return the interval of a share of which `yeses` of `count` were seen (Clopper & Pearson 1934); NaN of none."""
    if not count:
        return math.nan, math.nan
    from scipy.stats import binomtest

    found = binomtest(round(yeses), count).proportion_ci(confidence)
    return float(found.low), float(found.high)


def mean_of(values: Sequence[float]) -> float:
    """Return the mean; NaN if there is none, as of no values, or of infinities of both signs."""
    return sum(values) / len(values) if values else math.nan


def spread(numbers: Sequence[float]) -> str:
    """Return mean and standard deviation with three digits.

    >>> spread([1.0, 3.0]), spread([0.25]), spread([math.inf, 1.0])
    ('2 ± 1.41', '0.25', 'inf')
    """
    if not numbers:
        return "nothing"
    mean = mean_of(numbers)
    if len(numbers) == 1 or not math.isfinite(mean):
        return shown(mean)
    return f"{shown(mean)} ± {shown(statistics.stdev(numbers))}"


def shown(value: float) -> str:
    """Return the value with three digits, without trailing zeros."""
    return f"{value:.3g}"
