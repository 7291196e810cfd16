"""What was found of a claim: numbers, where each holds and fails, and what follows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["holds", "fails", "not decided"]


@dataclass(frozen=True)
class Part:
    """One number that a claim stands or falls with.

    It holds in a seed whose value is at `holds` or beyond, seen from `fails`, and fails at `fails` or beyond, seen
    from `holds`; the values between decide nothing.
    """

    what: str
    values: tuple[float, ...]
    """One a seed."""
    holds: float
    fails: float

    def outcome(self) -> Outcome:
        """Decided where all seeds agree.

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
        """Mean and spread (the standard deviation) over the seeds."""
        return spread(self.values)

    def says(self) -> str:
        """The number, and what was asked of it, as a sentence."""
        asked = "at least" if self.holds > self.fails else "at most"
        ending = {
            "holds": "",
            "fails": ", and this contradicts it",
            "not decided": ", and this is neither clearly reached nor clearly missed",
        }
        return f"{self.what}: {self.number()}; the claim asks for {asked} {shown(self.holds)}{ending[self.outcome()]}."


@dataclass(frozen=True)
class Verdict:
    """What was found of a claim."""

    outcome: Outcome
    reason: str
    """In a sentence: the part that decides, or why nothing is decided."""
    parts: tuple[Part, ...]


def spread(numbers: Sequence[float]) -> str:
    """Mean and standard deviation in three digits.

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
    """Three digits, without a tail of noughts."""
    return f"{value:.3g}"
