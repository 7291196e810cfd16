"""The findings on each run: what is wrong with it, the evidence, and what to try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ganache.output.report.summary import RunSummary
from ganache.runs.diagnose import Finding, critic_loss_finding, describe_no_finding, describe_probes, findings


@dataclass(frozen=True)
class RunFindings:
    """What the section shows of one run."""

    run: RunSummary
    problems: list[Finding]
    """The worst first."""
    none: str
    """The sentence in place of problems, if there are none."""
    loss: Finding | None
    """Whether the loss can be trusted."""
    notices: list[dict[str, Any]]
    probes: str
    """How often the run was probed, in a sentence."""


def collect_findings(runs: Sequence[RunSummary]) -> list[RunFindings]:
    """Diagnose each run from its log."""
    return [
        RunFindings(
            run,
            findings(run.log),
            describe_no_finding(run.log),
            critic_loss_finding(run.log),
            run.notices,
            describe_probes(run.log),
        )
        for run in runs
    ]
