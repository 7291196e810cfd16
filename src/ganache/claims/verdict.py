"""Verdicts: measured numbers, the values at which each holds or fails, and the outcome."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["holds", "fails", "not decided"]


@dataclass(frozen=True)
class Part:
    """One measured number that a claim depends on.

    If `holds` is above `fails`, values of at least `holds` support the claim and values of at most `fails` contradict
    it; if it is below, it is the other way round. Values between the two decide nothing.
    """

    what: str
    values: tuple[float, ...]
    """One value per seed."""
    holds: float
    fails: float

    def outcome(self) -> Outcome:
        """Return the outcome: decided only if all seeds agree.

        >>> Part("modes", (8.0, 7.0), holds=7, fails=5).outcome(), Part("error", (0.2, 0.01), 0.1, 0.5).outcome()
        ('holds', 'not decided')
        """
        sign = 1 if self.holds > self.fails else -1
        if self.values and all(sign * value >= sign * self.holds for value in self.values):
            return "holds"
        if self.values and all(sign * value <= sign * self.fails for value in self.values):
            return "fails"
        return "not decided"

    def number(self) -> str:
        """Return the mean and standard deviation over the seeds, as text."""
        return spread(self.values)

    def sentence(self) -> str:
        """Return a sentence with the number and what the claim requires of it."""
        bound = "at least" if self.holds > self.fails else "at most"
        ending = {
            "holds": "",
            "fails": ", so this contradicts it",
            "not decided": ", which is neither clearly reached nor clearly missed",
        }
        required = f"the claim requires {bound} {shown(self.holds)}"
        return f"{self.what}: {self.number()}; {required}{ending[self.outcome()]}."


@dataclass(frozen=True)
class Verdict:
    """The outcome of a claim."""

    outcome: Outcome
    reason: str
    """One sentence: the part that decides, or why nothing is decided."""
    parts: tuple[Part, ...]


def spread(numbers: Sequence[float]) -> str:
    """Return mean and standard deviation with three digits.

    >>> spread([1.0, 3.0]), spread([0.25]), spread([math.inf, 1.0])
    ('2 ± 1.41', '0.25', 'inf')
    """
    if not numbers:
        return "nothing"
    mean = sum(numbers) / len(numbers)
    if len(numbers) == 1 or not math.isfinite(mean):
        return shown(mean)
    return f"{shown(mean)} ± {shown(statistics.stdev(numbers))}"


def shown(value: float) -> str:
    """Return the value with three digits, without trailing zeros."""
    return f"{value:.3g}"
