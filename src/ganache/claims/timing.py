"""An estimate of how long a claim will take on this machine, from short trials of its experiment."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ganache.claims.claim import Unit
from ganache.claims.job import Job

FEW, MORE, GROWTH = 4, 20, 5
"""Numbers of steps of the trials; the larger one grows by a factor until its steps take long enough."""
LONG, SHARE = 1.0, 0.25
"""Long enough: so many seconds, and this share of a trial of few steps, as the time of the same trial varies."""
CLOSE = 2, 5
"""Numbers of snapshots of the trials: the differences give the time of a step and of a snapshot."""


def estimate(job: Job, units: Sequence[Unit]) -> list[float]:
    """Return the estimated seconds of each of these units.

    One unit per cost group (`Claim.cost_group`) is tried: with few steps and snapshots, with more steps, and with more
    snapshots.
    """
    known: dict[str, float] = {}
    seconds = []
    for unit in units:
        group = job.claim.cost_group(unit.variant)
        if group not in known:
            if not known:
                time_trial(job, unit, 1, 2)  # the first call loads and warms up what the others find ready
            known[group] = extrapolate(job, unit)
        seconds.append(known[group])
    return seconds


def extrapolate(job: Job, unit: Unit) -> float:
    """Return the estimated seconds of one unit, from its trials."""
    steps, snapshots = job.size.max_steps(), job.size.max_snapshots()
    few, more = min(FEW, steps), min(MORE, steps)
    apart, close = (min(count, snapshots) for count in CLOSE)
    short = time_trial(job, unit, few, apart)
    longer = time_trial(job, unit, more, apart) - short
    while longer < max(LONG, SHARE * short) and more < steps // 2:
        more = min(GROWTH * more, steps // 2)
        longer = time_trial(job, unit, more, apart) - short
    per_step = max(longer, 0.0) / max(more - few, 1)
    closer = time_trial(job, unit, few, close) - short if close > apart else 0.0
    per_snapshot = max(closer, 0.0) / max(close - apart, 1)
    return short + per_step * (steps - few) + per_snapshot * (snapshots - apart)


def time_trial(job: Job, unit: Unit, steps: int, snapshots: int) -> float:
    """Return the seconds that a unit takes with this number of steps and snapshots."""
    start = time.perf_counter()
    job.claim.measure(unit, job.size.trial(steps, snapshots))
    return time.perf_counter() - start
