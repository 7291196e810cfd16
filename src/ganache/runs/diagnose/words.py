"""What is said of a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Kind = Literal[
    "numbers that are no numbers",
    "nothing changes",
    "data problem",
    "mode collapse",
    "partial mode collapse",
    "critic too strong",
    "generator too strong",
    "vanishing gradients",
    "exploding gradients",
    "oscillation",
    "past its peak",
    "memorisation",
    "critic's loss",
]
Severity = Literal["alarm", "warning", "hint", "note"]
SEVERITIES: tuple[Severity, ...] = ("alarm", "warning", "hint", "note")
"""What makes a run useless; what harms it; what one should know; what is no fault at all."""


@dataclass(frozen=True)
class Finding:
    """One thing to know about a run."""

    kind: Kind
    severity: Severity
    sentence: str
    evidence: str
    advice: str

    def to_json(self) -> dict[str, str]:
        return asdict(self)


def percent(share: float) -> str:
    """
    >>> percent(0.946), percent(0.004)
    ('95 %', '0.4 %')
    """
    return f"{100 * share:.2g} %" if abs(share) < 0.095 else f"{100 * share:.0f} %"
