"""Run claims: estimate the time, measure unit by unit, judge, draw, and write the results.

OUT/NAME/units/KEY.json   one measurement, with its protocol and the machine; NAME is that of an experiment if claims
                          share it
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
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ganache.claims import report
from ganache.claims.claim import (
    NOT_DECIDED,
    UNDER_TRAINED,
    Claim,
    Measurement,
    Numbers,
    Size,
    Unit,
    runs_of,
    values,
    variants,
)
from ganache.claims.job import Job
from ganache.claims.machine import describe_machine
from ganache.claims.stored import StoredVerdict, encoded, read_verdict, read_verdicts
from ganache.claims.tables import numbers_csv, write_verdicts
from ganache.claims.timing import estimate
from ganache.claims.verdict import Control, Part, Verdict, spread
from ganache.core.executors import Executor, OneByOne
from ganache.core.storage import write_bytes, write_json, write_text
from ganache.errors import CheckpointError, ConfigError
from ganache.figures.page import duration
from ganache.runs.lock import lock

LOOKS = 4
"""How often a claim is judged at most while it is given more seeds."""

Echo = Callable[[str], None]
"""Receives each line of progress."""


@dataclass(frozen=True)
class Planned:
    """A unit to measure for a claim, and the seconds that it will take, as estimated."""

    job: Job
    unit: Unit
    seconds: float


# ---- planning ------------------------------------------------------------------------------------------------------


def plan(jobs: Sequence[Job], out: Path, echo: Echo, workers: int) -> list[Planned]:
    """Report what will run and how long it will take. Returns the units in the order in which they should run.

    In parallel, the longest come first, so that at the end no core waits long for another. Of the quick form, whose
    trials would take as long as itself, the time is not estimated.
    """
    missing = [job.missing() for job in jobs]
    timed = any(units and not job.settings.quick for job, units in zip(jobs, missing, strict=True))
    if timed:
        echo("Short trials of each experiment come first, to estimate the time.")
    planned: dict[Path, Planned] = {}
    for job, units in zip(jobs, missing, strict=True):
        own = [unit for unit in units if job.path(unit) not in planned]
        seconds = [0.0] * len(own) if job.settings.quick else estimate(job, own)
        planned |= {job.path(unit): Planned(job, unit, each) for unit, each in zip(own, seconds, strict=True)}
        other = next((planned[job.path(unit)].job.claim.name for unit in units if unit not in own), None)
        about = f", about {duration(sum(seconds) / workers)}" if sum(seconds) else ""
        about = f": those of {other}" if other else about
        echo(f"{job.claim.name:16} {len(units):4} of {len(job.units)} to run{about}")
    parallel = f", {workers} at a time" if workers > 1 else ""
    total = f"about {duration(sum(each.seconds for each in planned.values()) / workers)} on this machine{parallel}; "
    echo(f"{'all':16} {total if timed else ''}results in {out}/")
    if workers > 1:
        longest: dict[str, float] = {}
        for each in planned.values():
            longest[each.job.claim.name] = max(longest.get(each.job.claim.name, 0.0), each.seconds)
        return sorted(planned.values(), key=lambda each: -longest[each.job.claim.name])
    return list(planned.values())


# ---- running -------------------------------------------------------------------------------------------------------


def run(
    jobs: Sequence[Job], out: Path, echo: Echo, executor: Executor | None = None, hours: float | None = None
) -> None:
    """Measure every missing unit. When a claim is complete, judge it and write the report.

    With `hours`, claims that are not decided get more seeds, as long as the time from the start lasts. The executor is
    by default `OneByOne`.
    """
    executor = executor or OneByOne()
    jobs = with_equal_seeds(jobs)
    if hours is not None:
        jobs = [replace(job, settings=replace(job.settings, looks=LOOKS)) for job in jobs]
    deadline = None if hours is None else time.monotonic() + 3600 * hours
    out.mkdir(parents=True, exist_ok=True)
    folder_lock = lock(out)
    try:
        measure_and_conclude(jobs, out, echo, executor)
        if deadline is not None:
            add_seeds(jobs, out, echo, executor, deadline)
    finally:
        folder_lock.release()


def with_equal_seeds(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs with as many seeds as the others of their experiment, which they share.

    Raises ConfigError if claims that name the same experiment differ in its size, variants or measure.
    """
    experiments: dict[Path, list[Job]] = {}
    for job in jobs:
        experiments.setdefault(job.units_folder, []).append(job)
    for first, *others in experiments.values():
        for other in others:
            if (first.size, first.claim.variants(first.size), first.claim.measure) != (
                other.size,
                other.claim.variants(other.size),
                other.claim.measure,
            ):
                raise ConfigError(
                    f"The claims {first.claim.name} and {other.claim.name} name the same experiment, "
                    f"'{first.claim.experiment}', and differ in its size, variants or measure: give them two names."
                )
    seeds = {folder: max(job.seeds for job in same) for folder, same in experiments.items()}
    return [replace(job, settings=replace(job.settings, seeds=seeds[job.units_folder])) for job in jobs]


def measure_and_conclude(jobs: Sequence[Job], out: Path, echo: Echo, executor: Executor) -> None:
    """Measure every missing unit, and judge each claim as soon as it is complete."""
    planned = plan(jobs, out, echo, executor.workers)
    waiting = {job.claim.name: {job.path(unit) for unit in job.missing()} for job in jobs}
    counts = {name: len(paths) for name, paths in waiting.items()}
    for job in jobs:
        if not counts[job.claim.name]:
            conclude(job, out, echo)
    claims = [each.job.claim if executor.is_here else each.job.claim.name for each in planned]
    tasks = [(claim, each.unit, each.job.size) for claim, each in zip(claims, planned, strict=True)]
    for place, result in executor.run(measure, tasks):
        each = planned[place]
        each.job.write(each.unit, result.numbers, result.seconds, result.machine, each.seconds)
        for job in jobs:
            name, path = job.claim.name, each.job.path(each.unit)
            if path not in waiting[name]:
                continue
            waiting[name].remove(path)
            done = f"{name} {counts[name] - len(waiting[name])}/{counts[name]}"
            echo(f"{done}: {each.unit.variant}, seed {each.unit.seed}: {duration(result.seconds)}")
            if not waiting[name]:
                conclude(job, out, echo)


@dataclass(frozen=True)
class Measured:
    """The numbers of a unit, the seconds that it took, and the machine."""

    numbers: Numbers
    seconds: float
    machine: dict[str, str]


def measure(claim: Claim[Any] | str, unit: Unit, size: Size) -> Measured:
    """Measure one unit of a claim, which another process knows by its name."""
    from ganache.claims import CLAIMS

    machine, start = describe_machine(), time.perf_counter()
    numbers = (CLAIMS[claim] if isinstance(claim, str) else claim).measure(unit, size)
    return Measured(numbers, time.perf_counter() - start, machine)


def add_seeds(jobs: Sequence[Job], out: Path, echo: Echo, executor: Executor, deadline: float) -> None:
    """Give the claim whose decision is nearest the seeds that it lacks, and so on; then say what is left open.

    The other claims of its experiment get them, too.
    """
    jobs = list(jobs)
    while True:
        costs = [
            cost_of_decision(job, executor.workers) if len(judged_before(job)) < LOOKS else math.inf for job in jobs
        ]
        nearest = min(range(len(jobs)), key=costs.__getitem__)
        if costs[nearest] > deadline - time.monotonic():
            break
        needed = verdict_of(jobs[nearest], jobs[nearest].measured()).seeds_needed()
        seeds = max(needed or 0, jobs[nearest].seeds + 1)
        same = [i for i, job in enumerate(jobs) if job.units_folder == jobs[nearest].units_folder]
        for i in same:
            jobs[i] = replace(jobs[i], settings=replace(jobs[i].settings, seeds=seeds))
        measure_and_conclude([jobs[i] for i in same], out, echo, executor)
    for job, cost in zip(jobs, costs, strict=True):
        verdict = verdict_of(job, job.measured())
        if verdict.outcome in (NOT_DECIDED, UNDER_TRAINED):
            lacks = f"the seeds that it lacks take about {duration(cost)}" if math.isfinite(cost) else verdict.reason
            echo(f"{job.claim.name} is left open: {lacks}")


def verdict_of(job: Job, measured: Sequence[Measurement]) -> Verdict:
    return job.claim.verdict(measured, job.settings.quick, looks(job))


def cost_of_decision(job: Job, workers: int) -> float:
    """Return about how many seconds the seeds take that a claim lacks; infinity if no more seeds would decide it."""
    measured = job.measured()
    verdict = verdict_of(job, measured)
    needed = verdict.seeds_needed()
    if verdict.outcome != NOT_DECIDED or needed is None or job.settings.quick or not job.claim.seeded:
        return math.inf
    units = (max(needed, job.seeds + 1) - job.seeds) * len(measured) / job.seeds
    return math.ceil(units / workers) * sum(each.seconds for each in measured) / len(measured)


# ---- results -------------------------------------------------------------------------------------------------------


def conclude(job: Job, out: Path, echo: Echo) -> None:
    """Judge a complete claim, write its files, the table of verdicts and the report, and report the outcome."""
    try:
        verdict = judge_and_draw(job)
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise CheckpointError(
            f"The measurements in {job.units_folder} cannot be judged ({error!r:.100}): delete them to measure again."
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
    job.folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_bytes(job.folder / name, content)
    write_text(job.folder / "numbers.csv", numbers_csv(measured))
    found = verdict_of(job, measured)
    stored = [job.read(unit) for unit in job.units]
    estimates = [each.estimated for each in stored if each]
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
        "estimated": round(sum(estimates), 1) if all(estimates) else 0.0,
        "looks": looks(job),
        "judged": judged(job),
        "shared_with": [other.name for other in others_of_experiment(claim)],
        "command": job.command,
        "machines": [dict(pairs) for pairs in sorted({tuple(each.machine.items()) for each in stored if each})],
        "figures": list(files),
    }
    write_json(job.folder / "verdict.json", encoded(verdict))
    return verdict


def looks(job: Job) -> int:
    """Return how often the claim may be judged: as often as was ever planned, and at least as often as it has been."""
    earlier = stored_verdict(job)
    return max(job.settings.looks, earlier.looks if earlier else 1, len(judged(job)))


def judged(job: Job) -> list[int]:
    """Return the numbers of seeds with which the claim has been judged, this time included, each once."""
    now = {job.seeds} if not job.settings.quick and job.seeds >= job.claim.fewest_seeds else set()
    return sorted({*judged_before(job), *now})


def judged_before(job: Job) -> tuple[int, ...]:
    """Return the numbers of seeds with which the claim was judged by earlier commands."""
    earlier = stored_verdict(job)
    return earlier.judged if earlier else ()


def stored_verdict(job: Job) -> StoredVerdict | None:
    """Return the verdict of earlier commands, or None."""
    try:
        return read_verdict(job.folder / "verdict.json")
    except (OSError, ValueError, ConfigError):
        return None


def others_of_experiment(claim: Claim[Any]) -> list[Claim[Any]]:
    from ganache.claims import CLAIMS

    return [each for each in CLAIMS.values() if claim.experiment == each.experiment != "" and each.name != claim.name]


def stored_part(part: Part) -> dict[str, Any]:
    derived = {"outcome": part.outcome(), "number": part.number(), "interval": part.interval()}
    power = {"detects": part.detects(), "seeds_needed": part.seeds_needed()}
    return asdict(part) | derived | power


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
