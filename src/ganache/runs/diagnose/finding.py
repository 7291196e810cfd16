"""One finding of a diagnosis."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Literal

from ganache.core.wording import of_points

Kind = Literal[
    "non-finite values",
    "no change",
    "data problem",
    "mode collapse",
    "partial mode collapse",
    "critic too strong",
    "generator too strong",
    "vanishing gradients",
    "exploding gradients",
    "oscillation",
    "past the best",
    "memorisation",
    "far from real",
    "critic loss",
]
Severity = Literal["alarm", "warning", "hint", "note"]
SEVERITIES: tuple[Severity, ...] = ("alarm", "warning", "hint", "note")
"""alarm: the run is useless. warning: it is impaired. hint: good to know. note: no fault at all."""
FAULTS: tuple[Severity, ...] = ("alarm", "warning")
"""Severities of what impairs a run."""


@dataclass(frozen=True)
class Finding:
    """One thing to know about a run."""

    kind: Kind
    severity: Severity
    sentence: str
    """What is wrong."""
    evidence: str
    """The measurements behind it."""
    advice: str
    """What to try."""

    def of_points(self) -> Finding:
        """Return the same finding on points in the plane."""
        return replace(
            self,
            sentence=of_points(self.sentence),
            evidence=of_points(self.evidence),
            advice=of_points(self.advice),
        )

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def percent(share: float) -> str:
    """Format a share for people.

    >>> percent(0.946), percent(0.004)
    ('95 %', '0.4 %')
    """
    return f"{100 * share:.2g} %" if abs(share) < 0.095 else f"{100 * share:.0f} %"
