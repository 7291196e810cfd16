"""Run claims: estimate the time, measure unit by unit, judge, draw, and write the results.

OUT/NAME/units/KEY.json   one measurement, with its protocol and the machine
OUT/NAME/numbers.csv      every number of every unit
OUT/NAME/*.webp           the figures
OUT/NAME/verdict.json     everything that the report shows
OUT/verdicts.csv          one row per judged number of every claim
OUT/discussions.md        discussions written by hand, if there are any: the report shows them
OUT/report.html

Measurements are kept, so a program that was stopped continues where it was.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ganache.claims import report
from ganache.claims.claim import NOT_DECIDED, UNDER_TRAINED, Measurement, runs_of, values, variants
from ganache.claims.job import Job
from ganache.claims.machine import describe_machine
from ganache.claims.stored import encoded, read_verdicts
from ganache.claims.tables import numbers_csv, write_verdicts
from ganache.claims.timing import estimate
from ganache.claims.verdict import Control, Part, Verdict, spread
from ganache.claims.workers import Result, run_in_parallel
from ganache.core.storage import write_bytes, write_json, write_text
from ganache.errors import CheckpointError
from ganache.figures.page import duration
from ganache.runs.lock import lock

LOOKS = 4
"""How often a claim is judged at most while it is given more seeds."""

Echo = Callable[[str], None]
"""Receives each line of progress."""


# ---- planning ------------------------------------------------------------------------------------------------------


def plan(jobs: Sequence[Job], out: Path, echo: Echo, workers: int) -> list[Job]:
    """Report what will run and how long it will take. Returns the jobs in the order in which they should run.

    In parallel, the claims with the longest units come first, so that at the end no core waits long for another.
    """
    if any(job.missing() for job in jobs):
        echo("Short trials of each experiment come first, to estimate the time.")
    timed = []
    for job in jobs:
        seconds = estimate(job)
        timed.append((job, seconds))
        total = duration(sum(seconds) / workers)
        echo(f"{job.claim.name:16} {len(seconds):4} of {len(job.units)} to run, about {total}")
    parallel = f", {workers} at a time" if workers > 1 else ""
    total = duration(sum(sum(seconds) for _, seconds in timed) / workers)
    echo(f"{'all':16} about {total} on this machine{parallel}; results in {out}/")
    if workers > 1:
        timed.sort(key=lambda entry: -max(entry[1], default=0.0))
    return [job for job, _ in timed]


# ---- running -------------------------------------------------------------------------------------------------------


def run(jobs: Sequence[Job], out: Path, echo: Echo, workers: int = 1, hours: float | None = None) -> None:
    """Measure every missing unit, `workers` at a time. When a claim is complete, judge it and write the report.

    With `hours`, claims that are not decided get more seeds, as long as the time from the start lasts.
    """
    if hours is not None:
        jobs = [replace(job, settings=replace(job.settings, looks=LOOKS)) for job in jobs]
    deadline = None if hours is None else time.monotonic() + 3600 * hours
    out.mkdir(parents=True, exist_ok=True)
    folder_lock = lock(out)
    try:
        measure_and_conclude(plan(jobs, out, echo, workers), out, echo, workers)
        if deadline is not None:
            add_seeds(jobs, out, echo, workers, deadline)
    finally:
        folder_lock.release()


def measure_and_conclude(jobs: Sequence[Job], out: Path, echo: Echo, workers: int) -> None:
    """Measure every missing unit, and judge each claim as soon as it is complete."""
    counts = {job.claim.name: len(job.missing()) for job in jobs}
    done = dict.fromkeys(counts, 0)
    by_name = {job.claim.name: job for job in jobs}
    for name in (name for name, count in counts.items() if not count):
        conclude(by_name[name], out, echo)
    for name, (unit, numbers, seconds, machine) in measure_missing(jobs, workers):
        by_name[name].write(unit, numbers, seconds, machine)
        done[name] += 1
        echo(f"{name} {done[name]}/{counts[name]}: {unit.variant}, seed {unit.seed}: {duration(seconds)}")
        if done[name] == counts[name]:
            conclude(by_name[name], out, echo)


def add_seeds(jobs: Sequence[Job], out: Path, echo: Echo, workers: int, deadline: float) -> None:
    """Give the claim whose decision is nearest the seeds that it lacks, and so on; then say what is left open."""
    jobs, looked = list(jobs), [1] * len(jobs)
    while True:
        costs = [cost_of_decision(job, workers) if looked[i] < LOOKS else math.inf for i, job in enumerate(jobs)]
        nearest = min(range(len(jobs)), key=costs.__getitem__)
        if costs[nearest] > deadline - time.monotonic():
            break
        needed = verdict_of(jobs[nearest]).seeds_needed()
        settings = replace(jobs[nearest].settings, seeds=max(needed or 0, jobs[nearest].seeds + 1))
        jobs[nearest], looked[nearest] = replace(jobs[nearest], settings=settings), looked[nearest] + 1
        measure_and_conclude([jobs[nearest]], out, echo, workers)
    for job, cost in zip(jobs, costs, strict=True):
        verdict = verdict_of(job)
        if verdict.outcome in (NOT_DECIDED, UNDER_TRAINED):
            lacks = f"the seeds that it lacks take about {duration(cost)}" if math.isfinite(cost) else verdict.reason
            echo(f"{job.claim.name} is left open: {lacks}")


def verdict_of(job: Job) -> Verdict:
    return job.claim.verdict(job.measured(), job.settings.quick, job.settings.looks)


def cost_of_decision(job: Job, workers: int) -> float:
    """Return about how many seconds the seeds take that a claim lacks; infinity if no more seeds would decide it."""
    measured = job.measured()
    verdict = job.claim.verdict(measured, job.settings.quick, job.settings.looks)
    needed = verdict.seeds_needed()
    if verdict.outcome != NOT_DECIDED or needed is None or job.settings.quick or not job.claim.seeded:
        return math.inf
    units = (max(needed, job.seeds + 1) - job.seeds) * len(measured) / job.seeds
    return math.ceil(units / workers) * sum(each.seconds for each in measured) / len(measured)


def measure_missing(jobs: Sequence[Job], workers: int) -> Iterator[tuple[str, Result]]:
    """Measure every missing unit, and yield (name of the claim, result)."""
    missing = [(job, unit) for job in jobs for unit in job.missing()]
    if workers > 1 and len(missing) > 1:
        yield from run_in_parallel([(job.claim.name, unit, job.size) for job, unit in missing], workers)
        return
    machine = describe_machine()
    for job, unit in missing:
        start = time.perf_counter()
        numbers = job.claim.measure(unit, job.size)
        yield job.claim.name, (unit, numbers, time.perf_counter() - start, machine)


# ---- results -------------------------------------------------------------------------------------------------------


def conclude(job: Job, out: Path, echo: Echo) -> None:
    """Judge a complete claim, write its files, the table of verdicts and the report, and report the outcome."""
    try:
        verdict = judge_and_draw(job)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise CheckpointError(
            f"The measurements in {job.folder / 'units'} cannot be judged ({error!r:.100}): delete them to measure "
            "again."
        ) from error
    verdicts, problems = read_verdicts(out)
    write_verdicts(out, verdicts)
    report.write(out, verdicts)
    for problem in problems:
        echo(problem)
    echo(f"{job.claim.name}: {verdict['outcome'].upper()}. {verdict['reason']}")


def judge_and_draw(job: Job) -> dict[str, Any]:
    """Judge and draw a complete claim. Writes its figures, `numbers.csv` and `verdict.json`; returns the latter."""
    from ganache.claims.drawing import moving, still

    claim, measured = job.claim, job.measured()
    files = {f"{name}.webp": still(figure) for name, figure in claim.draw(measured).items()}
    if claim.animate is not None:
        files |= {f"{name}.webp": moving(frames) for name, frames in claim.animate(measured).items()}
    for name, content in files.items():
        write_bytes(job.folder / name, content)
    write_text(job.folder / "numbers.csv", numbers_csv(measured))
    found = claim.verdict(measured, job.settings.quick, job.settings.looks)
    stored = [job.read(unit) for unit in job.units]
    verdict = {
        "name": claim.name,
        "number": claim.number,
        "claim": claim.statement,
        "outcome": found.outcome,
        "reason": found.reason,
        "summary": summary(measured),
        "parts": [stored_part(part) for part in found.parts],
        "controls": [stored_control(control) for control in found.controls],
        "source": claim.source,
        "protocol": claim.protocol,
        "quick": job.settings.quick,
        "seeds": len({run.unit.seed for run in measured}),
        "seeds_needed": found.seeds_needed(),
        "size": job.protocol(),
        "seconds": round(sum(run.seconds for run in measured), 1),
        "command": job.command,
        "machines": [dict(pairs) for pairs in sorted({tuple(each.machine.items()) for each in stored if each})],
        "figures": list(files),
    }
    write_json(job.folder / "verdict.json", encoded(verdict))
    return verdict


def stored_part(part: Part) -> dict[str, Any]:
    derived = {"outcome": part.outcome(), "number": part.number(), "interval": part.interval()}
    return asdict(part) | derived | {"seeds_needed": part.seeds_needed()}


def stored_control(control: Control) -> dict[str, Any]:
    derived = {"passed": control.passed(), "progress": control.progress(), "number": control.number()}
    return asdict(control) | derived


def summary(measured: Sequence[Measurement]) -> list[dict[str, str]]:
    """Return one row per variant: mean and standard deviation over the seeds of each single number."""
    rows = []
    for variant in variants(measured):
        numbers = runs_of(measured, variant)[0].numbers
        single = [name for name, value in numbers.items() if isinstance(value, int | float)]
        rows.append({"variant": variant} | {name: spread(values(measured, variant, name)) for name in single})
    return rows if any(len(row) > 1 for row in rows) else []
