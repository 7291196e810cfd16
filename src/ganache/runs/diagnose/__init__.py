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

from ganache.runs.diagnose import critic_loss
from ganache.runs.diagnose.competition import critic_too_strong, generator_too_strong
from ganache.runs.diagnose.dynamics import oscillation, past_best
from ganache.runs.diagnose.finding import FAULTS, SEVERITIES, Finding, Kind, percent
from ganache.runs.diagnose.history import MIN_PROBES, MIN_STEPS, History
from ganache.runs.diagnose.mode_collapse import collapse, memorisation
from ganache.runs.diagnose.numerics import gradients, no_change, non_finite_values
from ganache.runs.diagnose.realism import describe_realism, far_from_real
from ganache.runs.diagnose.training_data import data_problem

__all__ = ["Finding", "critic_loss_finding", "describe_no_finding", "describe_probes", "findings"]

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
    far_from_real,
)

IMAGES: tuple[Kind, ...] = ("mode collapse", "partial mode collapse", "memorisation", "far from real")
"""Findings on the images that are made now."""
DYNAMICS: tuple[Kind, ...] = (
    "critic too strong",
    "generator too strong",
    "vanishing gradients",
    "exploding gradients",
    "oscillation",
    "past the best",
)
"""Findings on how the training goes."""
EXPLAINED: dict[Kind, tuple[Kind, ...]] = {
    "non-finite values": ("no change", *IMAGES, *DYNAMICS),
    "no change": DYNAMICS,
    "data problem": (*IMAGES, *DYNAMICS),
    "vanishing gradients": ("generator too strong",),
    "exploding gradients": ("critic too strong", "generator too strong", "oscillation"),
    "generator too strong": ("oscillation",),
    "critic too strong": ("far from real",),
    "mode collapse": ("far from real",),
    "partial mode collapse": ("far from real",),
}
"""A finding -> those that it explains, which are left out beside it: their advice would be for another cause."""


def findings(log: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Return what is wrong with a run, the worst first; empty if nothing is wrong or it is too early to tell.

    `log`: lines of log.jsonl.
    """
    return judged(History.from_log(log))


def judged(history: History) -> list[Finding]:
    """Return the findings on a history, the worst first, without those that another one explains."""
    found = [finding for rule in RULES if (finding := rule(history)) is not None]
    causes = [finding.kind for finding in found if finding.severity in FAULTS]
    explained = {kind for cause in causes for kind in EXPLAINED.get(cause, ())}
    kept = [finding for finding in found if finding.kind not in explained]
    kept = [finding.of_points() for finding in kept] if history.shows_points else kept
    return sorted(kept, key=lambda finding: SEVERITIES.index(finding.severity))


def critic_loss_finding(log: Sequence[Mapping[str, Any]]) -> Finding | None:
    """Return whether the critic's loss can be trusted as a measure of the distance, and why; None if it is too early.

    `log`: lines of log.jsonl. It cannot be trusted beside a fault of the run.
    """
    history = History.from_log(log)
    return critic_loss.trust(history, [finding for finding in judged(history) if finding.severity in FAULTS])


def describe_no_finding(log: Sequence[Mapping[str, Any]]) -> str:
    """Return the sentence that stands in place of findings if there are none."""
    history = History.from_log(log)
    if history.is_early:
        return "It is too early to judge the quality; nothing wrong was found so far."
    return f"Nothing wrong was found in the training. {describe_realism(history)}".strip()


def describe_probes(log: Sequence[Mapping[str, Any]]) -> str:
    """Return how many probes were taken, at what cost, and whether they are enough to judge the run."""
    h = History.from_log(log)
    if not h.probes or not h.lines:
        return (
            "No probe was taken so far. Probes are measurements during the training, on which a diagnosis is based; "
            "a run of a minute has some, unless --probe.share is 0."
        )
    count, cost = len(h.all_probes), sum(probe.cost for probe in h.all_probes)
    taken = f"{count} probe{'s' * (count > 1)} up to step {h.probes[-1].step:,}"
    enough = f"; {MIN_PROBES} probes and {MIN_STEPS} steps are needed to judge the quality" if h.is_early else ""
    return (
        f"{taken}, which took {percent(cost / max(cost, h.lines[-1]['seconds'], 1e-9))} of the training time{enough}."
    )
