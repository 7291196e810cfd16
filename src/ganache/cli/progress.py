"""What the user sees of a run in training: a progress bar, or lines without a terminal; and how signals stop it."""

from __future__ import annotations

import math
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ganache.cli.expected import cost_or_reason, describe_memory, forecast, memory
from ganache.cli.launch import REQUEUE, STOPPING, handle_stopping
from ganache.cli.text import command
from ganache.core.cores import seconds_on_cores
from ganache.core.progress import Bar, share
from ganache.core.text import in_one_line
from ganache.runs.run import Run
from ganache.training.forecast import free_memory

QUIET_SECONDS = 20.0
"""Seconds between two lines of output if there is no terminal."""

SHARED_AFTER, SHARED = 20.0, 0.2
"""Seconds after which a machine is judged, and the share of its time for which a training then waited for a core."""


class StopRequest:
    """A signal handler: the first signal asks to stop after the current step, the second one stops at once."""

    requested = False
    signal: int | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested, self.signal = True, number


@contextmanager
def handled_signals(run: Run) -> Iterator[StopRequest]:
    """Turn the signals STOPPING into a request that the caller reads; time in which a run was stopped is not its own.

    Ctrl-Z stops a process, and SIGCONT continues it.
    """
    stop = StopRequest()
    numbers = [getattr(signal, name) for name in (*STOPPING, "SIGCONT") if hasattr(signal, name)]  # Windows lacks some
    old: dict[int, Any] = {number: signal.getsignal(number) for number in numbers}
    handle_stopping(stop)
    if hasattr(signal, "SIGCONT"):
        signal.signal(signal.SIGCONT, lambda *_: run.skip_pause())
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def drive(run: Run) -> bool:
    """Train until the budget is spent or the user stops the run, and save it; return whether the budget was spent.

    A run that SIGTERM has stopped, as of a machine that is taken away, ends the program with the exit code REQUEUE.
    """
    with handled_signals(run) as stop:
        print_start(run)
        warn_of_memory(run)
        train_visibly(run, stop)
        if stop.requested and not run.done():
            run.save(scored=False)
            print(f"Stopped at step {run.state.step} and saved: the same command resumes the run.")
            run.close()
            if stop.signal == signal.SIGTERM:
                raise SystemExit(REQUEUE)
            return False
        run.finish()
    print(f"Done at step {run.state.step}: {run.folder}/samples.png and training.webp.")
    if run.findings:
        print(worst_finding(run))
    print_commands(run)
    return True


def print_commands(run: Run) -> None:
    """Print what can be done with a run that has ended; each command is alone on its line, to be copied."""
    ways = {"What to try": "diagnose"} if run.findings else {}
    ways |= {"More samples": "sample", "In the browser": "explore"}
    for title, word in ways.items():
        print(f"{title}:\n  {command(word, run.folder)}")
    print("To train longer, give the same command with a larger budget, such as more --steps.")


def print_start(run: Run) -> None:
    """Print what starts or resumes, on which data, what the doctor remarks, and which files are not used."""
    sides = run.data.image_shape
    shape = "points in the plane" if len(sides) == 1 else "x".join(map(str, sides))
    start = f"resumes at step {run.state.step}" if run.state.step else "starts"
    held_out = f", {len(run.data.held_out):,} more held out" if len(run.data.held_out) else ""
    data = f"{run.data.shown_text} of {run.data.name} ({shape}{held_out})"
    print(f"{run.folder} {start}: {data}, {run.resolved.describe()}.")
    diagnosis = run.data.diagnosis
    for remark in run.data.remarks if diagnosis is None else diagnosis.remarks:
        print(f"Note: {in_one_line(remark)}")
    if diagnosis is not None and diagnosis.skipped:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in diagnosis.reasons.items())
        print(f"{len(diagnosis.skipped):,} files are not used ({reasons}): `ganache doctor` lists them.")


def warn_of_memory(run: Run) -> None:
    """Say before training that the memory of the device is not enough for it, if it is not."""
    shape, free = run.data.image_shape, free_memory(run.resolved.device)
    needed = memory(run.resolved, shape, len(run.data), cost_or_reason(run.resolved, shape))
    if needed is not None and free is not None and needed > free:
        print(f"Note: {describe_memory(needed, free)}")


def waited_for_cores(since: tuple[float, float]) -> str:
    """Return a sentence if other programs use the cores that the training needs, else ""; `since` is its beginning."""
    ran, waited = (now - before for now, before in zip(seconds_on_cores(), since, strict=True))
    if waited <= SHARED * (ran + waited):
        return ""
    return (
        f"Other programs compute on this machine, too: {waited / (ran + waited):.0%} of the time this training waits "
        "for a core."
    )


def train_visibly(run: Run, stop: StopRequest) -> None:
    """Train with a progress bar, or with a line every QUIET_SECONDS if there is no terminal.

    The worst finding is shown below the bar as soon as there is one. Notices of the run are printed when they occur.
    """
    done, budget, unit = run.progress()
    terminal = sys.stderr.isatty()
    last_line, notices_shown = time.monotonic(), len(run.notices)
    first_step, timed = run.state.step, False
    begun, on_cores, judged = time.monotonic(), seconds_on_cores(), False
    layout = "{percentage:3.0f}%|{bar}| {n:,.5g}/{total_fmt} {unit} [{elapsed}<{remaining}{postfix}]"
    total = None if math.isinf(budget) else budget
    with (
        Bar(
            total=total,
            initial=min(done, budget),
            unit=unit,
            disable=not terminal,
            bar_format=layout if total else None,
        ) as bar,
        Bar(position=1, disable=not terminal, bar_format="{desc}", leave=False) as below,
    ):
        told = False
        for _ in run.training():
            if not told and any(getattr(stream, "gone", False) for stream in (sys.stdout, sys.stderr)):
                told = True
                run.notify("output ended", "Nobody reads the output any more: the training continues without it.")
            done = run.progress()[0]
            bar.set_postfix_str(summary(run), refresh=False)
            bar.reach(done)
            if not timed and run.log.last and run.log.last["step"] > first_step + 1:
                timed = True  # the first line of the log times steps in which kernels are chosen
                if left := forecast(run):
                    Bar.write(left)
            if not judged and time.monotonic() - begun > SHARED_AFTER:
                judged = True
                if sentence := waited_for_cores(on_cores):
                    run.notify("shared machine", sentence)
            for notice in run.notices[notices_shown:]:
                Bar.write(f"ganache: {notice}", file=sys.stderr)
            notices_shown = len(run.notices)
            finding = worst_finding(run, shutil.get_terminal_size().columns - 1 if terminal else None)
            if terminal and finding != below.desc:
                below.set_description_str(finding)
            if not terminal and time.monotonic() - last_line > QUIET_SECONDS:
                last_line = time.monotonic()
                print(f"step {run.state.step}, {percentage(done, budget)}{summary(run)}", flush=True)
                if finding:
                    print(f"  {finding}", flush=True)
            if stop.requested:
                return


def worst_finding(run: Run, columns: int | None = None) -> str:
    """Return the worst finding and the number of others, in at most `columns` characters; empty if there is none."""
    if not run.findings:
        return ""
    worst, *others = run.findings
    more = f" ({len(others)} more: {command('diagnose', run.folder)})" if others else ""
    room = None if columns is None else columns - len(more)
    line = f"{worst.severity}: {worst.sentence}"
    if room is not None and len(line) > room:
        line = line[: max(0, room - 3)] + "..."
    return (line + more)[:columns]


def percentage(done: float, budget: float) -> str:
    """Return "40%, ", or nothing for an infinite budget."""
    return "" if math.isinf(budget) else f"{share(done, budget):.0%}, "


def summary(run: Run) -> str:
    """Return losses and speed of the last log line."""
    line = run.log.last
    if not line:
        return ""
    d, g = sum(line["d"].values()), sum(line["g"].values())
    unit = "points" if len(run.data.image_shape) == 1 else "images"
    return f"critic {d:.3g}, generator {g:.3g}, {line['images_per_second']:.0f} {unit}/s"
