"""Diagnosis of a run: its log -> findings in plain words, each with its evidence and what to try.

    for finding in findings(log.read(folder / "log.jsonl")):
        print(finding.sentence, finding.evidence, finding.advice)

All of it is a pure function of the lines of the log. A finding must hold for a window of probes, judged by their
median, and most findings require that quality no longer improves: a run that still improves is not criticised. It
imports `runs.probe`; `cli`, `output` and `playground` import it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ganache.runs.diagnose.competition import critic_too_strong, generator_too_strong
from ganache.runs.diagnose.critic_loss import critic_loss_finding
from ganache.runs.diagnose.dynamics import oscillation, past_best
from ganache.runs.diagnose.finding import SEVERITIES, Finding, percent
from ganache.runs.diagnose.history import MIN_PROBES, MIN_STEPS, History
from ganache.runs.diagnose.mode_collapse import collapse, memorisation
from ganache.runs.diagnose.numerics import gradients, no_change, non_finite_values
from ganache.runs.diagnose.training_data import data_problem

__all__ = ["Finding", "critic_loss_finding", "describe_probes", "findings"]

RULES: tuple[Callable[[History], Finding | None], ...] = (
    non_finite_values,
    no_change,
    data_problem,
    critic_too_strong,
    generator_too_strong,
    collapse,
    gradients,
    oscillation,
    past_best,
    memorisation,
)


def findings(log: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Return what is wrong with a run, the worst first; empty if nothing is wrong or it is too early to tell.

    `log`: lines of log.jsonl.
    """
    history = History.from_log(log)
    found = [finding for rule in RULES if (finding := rule(history)) is not None]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def describe_probes(log: Sequence[Mapping[str, Any]]) -> str:
    """Return how many probes were taken, at what cost, and whether they are enough to judge the run."""
    h = History.from_log(log)
    if not h.probes or not h.lines:
        return (
            "No probe has been taken yet. Probes are measurements during the training, on which a diagnosis is based; "
            "the first one follows soon, unless --probe.share is 0."
        )
    count, cost = len(h.all_probes), sum(probe.cost for probe in h.all_probes)
    taken = f"{count} probe{'s' * (count > 1)} up to step {h.probes[-1].step:,}"
    early = len(h.probes) < MIN_PROBES or h.probes[-1].step < MIN_STEPS
    enough = f"; {MIN_PROBES} probes and {MIN_STEPS} steps are needed to judge the quality" if early else ""
    return (
        f"{taken}, which took {percent(cost / max(cost, h.lines[-1]['seconds'], 1e-9))} of the training time{enough}."
    )
