"""What is known of a run, from its log, and what every finding asks first: does it still improve?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from ganache.runs.probe import Probe

WINDOW = 4
"""Looks that a finding is judged on: one look may be a moment, four in a row are a state."""

ENOUGH = WINDOW + 2
"""Looks before anything is said of quality: so many, and two before them to compare with."""

APART, MOST = 50, 24
"""Looks that are judged lie so many steps apart at least, and are at most so many over the run: a window of looks that
were taken in a hurry would be a moment too."""

EARLY = 500
"""Steps before which nothing is said of quality: healthy trainings may get worse before they get better."""

IMPROVES = 0.05
"""A best score lower by this share counts as better: about twice the noise of a score of 256 pictures."""

FORMED = 0.75
"""A score above this share of a blank picture's means that nothing has formed; healthy trainings pass 0.6 early."""

THROWN = 1.0
"""Fixed latents' pictures that move as far between looks as two real ones lie apart are thrown about, not refined."""


@dataclass(frozen=True)
class History:
    """What is known of a run: its looks, the lines of its steps, and what happened to it."""

    taken: Sequence[Probe]
    """Every look."""
    looks: Sequence[Probe]
    """Those that are judged together."""
    lines: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, log: Sequence[Mapping[str, Any]]) -> History:
        taken = [Probe.from_json(line["probe"]) for line in log if "probe" in line]
        return cls(
            taken,
            thinned(taken),
            [line for line in log if "d" in line],
            [line for line in log if "event" in line],
        )

    def last(self, what: str, n: int = WINDOW) -> list[float]:
        """A number of the last n looks; none at all unless each of the n has it."""
        values = [getattr(look, what) for look in self.looks[-n:]]
        return [] if len(values) < n or None in values else values

    @cached_property
    def scores(self) -> list[float]:
        return [look.score for look in self.looks if look.score is not None]

    @cached_property
    def stands(self) -> bool:
        """Whether quality has not improved in the last WINDOW looks; never so before there are looks to compare."""
        if len(self.scores) < ENOUGH or self.looks[-1].step < EARLY:
            return False
        return min(self.scores[-WINDOW:]) > (1 - IMPROVES) * min(self.scores[:-WINDOW])

    @cached_property
    def formless(self) -> bool:
        """Whether the last WINDOW looks show nothing better than a blank picture."""
        scores, blanks = self.last("score"), self.last("blank_score")
        return bool(scores and blanks) and median(scores) > FORMED * median(blanks)

    @cached_property
    def thrown(self) -> bool:
        """Whether the pictures of the fixed latents are other ones at each look."""
        drift = self.last("drift")
        return bool(drift) and median(drift) >= THROWN


def thinned(looks: Sequence[Probe]) -> list[Probe]:
    """Looks far enough apart to be judged together, the last one among them, in their order."""
    kept: list[Probe] = []
    for look in reversed(looks):
        if not kept or kept[-1].step - look.step >= max(APART, kept[0].step / MOST):
            kept.append(look)
    return kept[::-1]
