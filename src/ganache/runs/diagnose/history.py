"""The history of a run, read from its log, and what most rules ask first: does its quality still improve?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from ganache.runs.probe import Probe

WINDOW = 4
"""Number of probes that a finding is based on: one probe can be an accident, four in a row are a state."""

MIN_PROBES = WINDOW + 2
"""Number of probes before quality is judged: a window, and two earlier probes to compare it with."""

MIN_SPACING, MAX_PROBES = 50, 24
"""Judged probes are at least so many steps apart, and at most so many over the run. Probes in quick succession would
make a window an accident too."""

MIN_STEPS = 500
"""Steps before quality is judged: healthy runs may get worse before they get better."""

IMPROVEMENT = 0.05
"""A best score that is lower by this share is an improvement: about twice the noise of a score of 256 images."""

UNFORMED = 0.75
"""A score above this share of a blank image's score means that nothing has formed; healthy runs pass 0.6 early."""

UNSTABLE_DRIFT = 1.0
"""Drift from which images of fixed latents are replaced between probes instead of refined: they move as far as two real
images are apart."""


@dataclass(frozen=True)
class History:
    """What the log says about a run."""

    all_probes: Sequence[Probe]
    probes: Sequence[Probe]
    """The probes that are judged together, evenly spaced; see `thinned`."""
    lines: Sequence[Mapping[str, Any]]
    """Log lines of steps."""
    events: Sequence[Mapping[str, Any]]
    """Log lines of events."""

    @classmethod
    def from_log(cls, log: Sequence[Mapping[str, Any]]) -> History:
        """Build the history from the lines of `log.jsonl`."""
        probes = [Probe.from_json(line["probe"]) for line in log if "probe" in line]
        return cls(
            probes,
            thinned(probes),
            [line for line in log if "d" in line],
            [line for line in log if "event" in line],
        )

    @property
    def shows_points(self) -> bool:
        """Whether the run makes points in the plane, which have no contrast."""
        return bool(self.all_probes) and self.all_probes[-1].data_contrast is None

    def last(self, name: str, n: int = WINDOW) -> list[float]:
        """Return one measurement of the last n probes; empty unless all n of them have it."""
        values = [getattr(probe, name) for probe in self.probes[-n:]]
        return [] if len(values) < n or None in values else values

    @cached_property
    def scores(self) -> list[float]:
        """The scores of all judged probes, oldest first; lower is better."""
        return [probe.score for probe in self.probes if probe.score is not None]

    @cached_property
    def is_early(self) -> bool:
        """Whether there are too few probes or steps to judge the quality."""
        return len(self.scores) < MIN_PROBES or self.probes[-1].step < MIN_STEPS

    @cached_property
    def has_plateaued(self) -> bool:
        """Whether quality has not improved in the last WINDOW probes; False while there is too little to compare."""
        if self.is_early:
            return False
        return min(self.scores[-WINDOW:]) > (1 - IMPROVEMENT) * min(self.scores[:-WINDOW])

    @cached_property
    def is_unformed(self) -> bool:
        """Whether the images in the last WINDOW probes are hardly better than blank images."""
        scores, blank_scores = self.last("score"), self.last("blank_score")
        return bool(scores and blank_scores) and median(scores) > UNFORMED * median(blank_scores)

    @cached_property
    def is_unstable(self) -> bool:
        """Whether the images of the fixed latents are entirely different at each probe."""
        drift = self.last("drift")
        return bool(drift) and median(drift) >= UNSTABLE_DRIFT


def thinned(probes: Sequence[Probe]) -> list[Probe]:
    """Return probes far enough apart to be judged together, in order; the last one is always among them."""
    kept: list[Probe] = []
    for probe in reversed(probes):
        if not kept or kept[-1].step - probe.step >= max(MIN_SPACING, kept[0].step / MAX_PROBES):
            kept.append(probe)
    return kept[::-1]
