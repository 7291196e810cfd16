"""Claims are planned, run unit by unit, judged and written down; what was measured stays when the program stops.

OUT/NAME/units/KEY.json   one measurement, with the protocol and the machine it was made on
OUT/NAME/numbers.csv      every number of every unit
OUT/NAME/*.png, *.webp    the figures
OUT/NAME/verdict.json     all that the report says
OUT/NAME/discussion.txt   what somebody makes of it, where somebody wrote it: the report shows it
OUT/report.html
"""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ganache.claims import report
from ganache.claims.claim import Measurement, Unit, of, values, variants
from ganache.claims.job import Job, encoded
from ganache.claims.machine import machine
from ganache.claims.verdict import spread
from ganache.claims.workers import Done, side_by_side
from ganache.core.storage import write_json
from ganache.figures.page import duration
from ganache.runs.folder import lock

REHEARSED = ((4, 2), (20, 2), (4, 5))
"""(steps, looks) of three rehearsals: their differences tell what a step costs and what a look."""

Say = Callable[[str], None]


# ---- planning ------------------------------------------------------------------------------------------------------


def estimate(job: Job) -> list[float]:
    """Seconds that each missing unit will take on this machine.

    Of each kind of unit one is rehearsed with a few steps and looks, with more steps, and with more looks.
    """
    known: dict[str, float] = {}
    seconds = []
    for unit in job.missing():
        kind = job.claim.costs_like(unit.variant)
        if kind not in known:
            if not known:
                rehearse(job, unit, 1, 2)  # the first call of all loads and warms what the others find ready
            known[kind] = extrapolated(job, unit)
        seconds.append(known[kind])
    return seconds


def extrapolated(job: Job, unit: Unit) -> float:
    """Seconds of one unit."""
    steps, looks = job.how.most_steps(), job.how.most_looks()
    few, longer, closer = ((min(s, steps), min(k, looks)) for s, k in REHEARSED)
    took = {each: rehearse(job, unit, *each) for each in dict.fromkeys((few, longer, closer))}
    step = max(took[longer] - took[few], 0.0) / max(longer[0] - few[0], 1)
    look = max(took[closer] - took[few], 0.0) / max(closer[1] - few[1], 1)
    return took[few] + step * (steps - few[0]) + look * (looks - few[1])


def rehearse(job: Job, unit: Unit, steps: int, looks: int) -> float:
    """Seconds that a unit takes with so many steps and looks."""
    begun = time.perf_counter()
    job.claim.measure(unit, job.how.rehearsal(steps, looks))
    return time.perf_counter() - begun


# ---- running -------------------------------------------------------------------------------------------------------


def run(jobs: Sequence[Job], out: Path, say: Say, workers: int = 1) -> None:
    """All that is missing, `workers` units side by side; every claim's verdict and the report anew when it has all."""
    out.mkdir(parents=True, exist_ok=True)
    held = lock(out)
    try:
        left = plan(jobs, out, say, workers)
        counts = {job.claim.name: len(job.missing()) for job in jobs}
        done = dict.fromkeys(counts, 0)
        by_name = {job.claim.name: job for job in jobs}
        for name in (name for name, count in counts.items() if not count):
            announce(by_name[name], out, say)
        for name, (unit, numbers, seconds, here) in measure_missing(left, workers):
            by_name[name].write(unit, numbers, seconds, here)
            done[name] += 1
            say(f"{name} {done[name]}/{counts[name]}: {unit.variant}, seed {unit.seed}: {duration(seconds)}")
            if done[name] == counts[name]:
                announce(by_name[name], out, say)
    finally:
        held.release()


def plan(jobs: Sequence[Job], out: Path, say: Say, workers: int) -> list[Job]:
    """Say what will run, and for how long on this machine; the jobs in the order in which they should run.

    Side by side those with the longest units come first: at the end no core has to wait long for another.
    """
    if any(job.missing() for job in jobs):
        say("A few steps of each are tried first, to tell how long all will take.")
    left = []
    for job in jobs:
        seconds = estimate(job)
        left.append((job, seconds))
        took = duration(sum(seconds) / workers)
        say(f"{job.claim.name:16} {len(seconds):4} of {len(job.units)} to run, about {took}")
    beside = f", {workers} at a time" if workers > 1 else ""
    total = duration(sum(sum(seconds) for _, seconds in left) / workers)
    say(f"{'all':16} about {total} on this machine{beside}; results in {out}/")
    if workers > 1:
        left.sort(key=lambda each: -max(each[1], default=0.0))
    return [job for job, _ in left]


def measure_missing(jobs: Sequence[Job], workers: int) -> Iterator[tuple[str, Done]]:
    """Run what has not been run: (claim's name, what was measured), one unit after another or several at a time."""
    missing = [(job, unit) for job in jobs for unit in job.missing()]
    if workers > 1 and len(missing) > 1:
        yield from side_by_side([(job.claim.name, unit, job.how) for job, unit in missing], workers)
        return
    here = machine()
    for job, unit in missing:
        begun = time.perf_counter()
        numbers = job.claim.measure(unit, job.how)
        yield job.claim.name, (unit, numbers, time.perf_counter() - begun, here)


def announce(job: Job, out: Path, say: Say) -> None:
    """Judge what was measured, write the report anew, and say the verdict."""
    verdict = conclude(job)
    report.write(out)
    say(f"{job.claim.name}: {verdict['outcome'].upper()}. {verdict['reason']}")


def conclude(job: Job) -> dict[str, Any]:
    """Judge and draw what was measured; the verdict as it is written."""
    from ganache.claims.drawing import png, webp

    claim, measured = job.claim, job.measured()
    files = {f"{name}.png": png(each) for name, each in claim.draw(measured).items()}
    if claim.animate is not None:
        files |= {f"{name}.webp": webp(frames) for name, frames in claim.animate(measured).items()}
    for name, content in files.items():
        (job.folder / name).write_bytes(content)
    (job.folder / "numbers.csv").write_text(table(measured), encoding="utf-8")
    found = claim.verdict(measured, job.settings.quick)
    kept = [job.read(unit) for unit in job.units]
    verdict = {
        "name": claim.name,
        "number": claim.number,
        "claim": claim.says,
        "outcome": found.outcome,
        "reason": found.reason,
        "summary": summary(measured),
        "parts": [asdict(part) | {"outcome": part.outcome(), "number": part.number()} for part in found.parts],
        "source": claim.source,
        "protocol": claim.protocol,
        "quick": job.settings.quick,
        "seeds": len({each.unit.seed for each in measured}),
        "size": job.protocol(),
        "seconds": round(sum(each.seconds for each in measured), 1),
        "command": job.command,
        "machines": [dict(pairs) for pairs in sorted({tuple(each["machine"].items()) for each in kept if each})],
        "figures": list(files),
    }
    write_json(job.folder / "verdict.json", encoded(verdict))
    return verdict


def summary(measured: Sequence[Measurement]) -> list[dict[str, str]]:
    """A row a variant: each of its single numbers as mean and spread over the seeds."""
    rows = []
    for variant in variants(measured):
        numbers = of(measured, variant)[0].numbers
        single = [name for name, value in numbers.items() if isinstance(value, int | float)]
        rows.append({"variant": variant} | {name: spread(values(measured, variant, name)) for name in single})
    return rows if any(len(row) > 1 for row in rows) else []


def table(measured: Sequence[Measurement]) -> str:
    """CSV, a line a number: variant, seed, name, place in its series, value."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("variant", "seed", "name", "place", "value"))
    for each in measured:
        for name, value in each.numbers.items():
            series = value if isinstance(value, list) else [value]
            if all(isinstance(number, int | float) for number in series):
                for place, number in enumerate(series):
                    writer.writerow((each.unit.variant, each.unit.seed, name, place, number))
    return file.getvalue()
