"""A run in front of somebody: the bar, the lines without a terminal, and what Ctrl-C and SIGTERM do."""

from __future__ import annotations

import math
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tqdm import tqdm

from ganache.runs.run import Run

QUIET_SECONDS = 20.0
"""Between two lines where there is no terminal."""


class Stop:
    """Whether somebody asked to stop: the step is finished first, the second time it ends at once."""

    asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Turns Ctrl-C and SIGTERM into a wish that can be looked at."""
    stop = Stop()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def drive(run: Run) -> bool:
    """Train to the end of the budget, or until somebody stops it; either way all is saved. Whether it was the end."""
    with stop_signals() as stop:
        announce(run)
        show(run, stop)
        if stop.asked and not run.done():
            run.save(scored=False)
            print(f"Stopped at step {run.state.step} and saved: the same command goes on from here.")
            return False
        run.finish()
    print(f"Done at step {run.state.step}: {run.folder}/samples.png and training.webp.")
    if run.findings:
        print(f"{second_line(run)} What to try: ganache diagnose {run.folder}")
    page = f" Play with it: ganache explore {run.folder}." if len(run.data.image_shape) == 3 else ""
    print(f"More pictures: ganache sample {run.folder}.{page} Longer: the same command with a larger budget.")
    return True


def announce(run: Run) -> None:
    """What begins, on which data, and which files are not among them."""
    shape = "x".join(map(str, run.data.image_shape))
    begun = f"goes on from step {run.state.step}" if run.state.step else "begins"
    aside = f", {len(run.data.held_out):,} more held out" if len(run.data.held_out) else ""
    print(f"{run.folder} {begun}: {len(run.data.training):,} of {run.data.name} ({shape}{aside}), {run.resolved.describe()}.")
    diagnosis = run.data.diagnosis
    if diagnosis is not None and diagnosis.skipped:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in diagnosis.reasons.items())
        print(f"{len(diagnosis.skipped):,} files are not used ({reasons}): `ganache doctor` names each.")


def show(run: Run, stop: Stop) -> None:
    """Iterate the training under a bar, or with a line now and then where there is no terminal.

    Below it stands what is wrong, as soon as something is; what a run does by itself is said when it does it.
    """
    done, whole, unit = run.progress()
    terminal = sys.stderr.isatty()
    spoken, told = time.monotonic(), len(run.notices)
    layout = "{percentage:3.0f}%|{bar}| {n:,.5g}/{total_fmt} {unit} [{elapsed}<{remaining}{postfix}]"
    total = None if math.isinf(whole) else whole
    with (
        tqdm(total=total, initial=done, unit=unit, disable=not terminal, bar_format=layout if total else None) as bar,
        tqdm(position=1, disable=not terminal, bar_format="{desc}", leave=False) as below,
    ):
        for _ in run.training():
            done = run.progress()[0]
            bar.set_postfix_str(summary(run), refresh=False)
            bar.update(done - bar.n)
            for notice in run.notices[told:]:
                tqdm.write(f"ganache: {notice}", file=sys.stderr)
            told = len(run.notices)
            verdict = second_line(run, shutil.get_terminal_size().columns - 1 if terminal else None)
            if terminal and verdict != below.desc:
                below.set_description_str(verdict)
            if not terminal and time.monotonic() - spoken > QUIET_SECONDS:
                spoken = time.monotonic()
                print(f"step {run.state.step}, {share(done, whole)}{summary(run)}", flush=True)
                if verdict:
                    print(f"  {verdict}", flush=True)
            if stop.asked:
                return


def second_line(run: Run, columns: int | None = None) -> str:
    """The worst finding, and how many more there are, in at most so many columns; empty while all is well."""
    if not run.findings:
        return ""
    worst, *others = run.findings
    more = f" ({len(others)} more: ganache diagnose {run.folder})" if others else ""
    room = None if columns is None else columns - len(more)
    line = f"{worst.severity}: {worst.sentence}"
    if room is not None and len(line) > room:
        line = line[: max(0, room - 3)] + "..."
    return (line + more)[:columns]


def share(done: float, whole: float) -> str:
    return "" if math.isinf(whole) else f"{100 * done / whole:.0f}%, "


def summary(run: Run) -> str:
    """Losses and speed, as the log's last line has them."""
    line = run.log.last
    if not line:
        return ""
    d, g = sum(line["d"].values()), sum(line["g"].values())
    return f"critic {d:.3g}, generator {g:.3g}, {line['images_per_second']:.0f} images/s"
