"""The log of a run -> findings in plain words, each with its evidence and what to try.

    for finding in findings(log.read(folder / "log.jsonl")):
        print(finding.sentence, finding.evidence, finding.advice)

Pure functions of the log's lines. What is said must hold over a window of looks, judged by its median, and mostly only
where the quality no longer improves: a run that improves is left in peace, however odd its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ganache.runs.diagnose.balance import critic_too_strong, generator_too_strong, oscillation, past_its_peak
from ganache.runs.diagnose.basics import data_problem, gradients, no_numbers, nothing_changes
from ganache.runs.diagnose.history import EARLY, ENOUGH, History
from ganache.runs.diagnose.trust import critic_loss_finding
from ganache.runs.diagnose.variety import collapse, memorisation
from ganache.runs.diagnose.words import SEVERITIES, Finding, percent

__all__ = ["Finding", "critic_loss_finding", "describe_probes", "findings"]

RULES: tuple[Callable[[History], Finding | None], ...] = (
    no_numbers,
    nothing_changes,
    data_problem,
    critic_too_strong,
    generator_too_strong,
    collapse,
    gradients,
    oscillation,
    past_its_peak,
    memorisation,
)


def findings(log: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """What is wrong, the worst first; empty for a run that is well, or too young to tell. `log`: lines of log.jsonl."""
    history = History.of(log)
    found = [finding for rule in RULES if (finding := rule(history)) is not None]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def describe_probes(log: Sequence[Mapping[str, Any]]) -> str:
    """How much has been looked at, at what cost, and whether that is enough to tell."""
    h = History.of(log)
    if not h.looks or not h.lines:
        return "No look has been taken yet (probe.share says how much of the time looks may take)."
    count, cost = len(h.taken), sum(look.cost for look in h.taken)
    taken = f"{count} look{'s' * (count > 1)} up to step {h.looks[-1].step:,}"
    early = len(h.looks) < ENOUGH or h.looks[-1].step < EARLY
    enough = f"; {ENOUGH} looks and {EARLY} steps are needed to judge the quality" if early else ""
    return f"{taken}, which took {percent(cost / max(cost, h.lines[-1]['seconds']))} of the time{enough}."
