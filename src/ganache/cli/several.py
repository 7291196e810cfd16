"""`ganache train` of several runs at the same time: in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

import json
import os
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import active_children
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from ganache.cli.launch import REQUEUE, handle_stopping
from ganache.core.executors import Executor
from ganache.core.text import first_line, in_one_line
from ganache.errors import CheckpointError, GanacheError, TrainingError

if TYPE_CHECKING:
    from ganache.config.config import Config

EVERY = 60.0
"""Seconds between two lines on how far the runs are."""
TAIL = 2**14
"""Bytes at the end of a log that hold its last line."""

stopped: list[int] = []
"""In a worker: the signals that ask to stop, also the runs that it has not begun."""


@dataclass(frozen=True)
class Order:
    """A run for another process, perhaps on another machine that sees the same files."""

    folder: str
    config: Config
    force: bool
    mirror_text: bool
    directory: str
    """The working directory, from which the paths start."""


@dataclass(frozen=True)
class Ended:
    """What has come of a run."""

    step: int
    done: bool
    """Whether the budget is spent."""
    said: str = ""
    """The worst finding, or what was wrong."""
    failed: bool = False


def train_there(order: Order) -> Ended:
    """Train one run in this process, until its budget is spent or a signal stops it; it is saved in both cases."""
    from ganache.cli.progress import worst_finding
    from ganache.runs.run import Run

    handle_stopping(lambda number, frame: stopped.append(number))
    if stopped:
        return Ended(0, done=False)
    try:
        enter(order.directory)
        run = Run.open(order.folder, order.config, force=order.force, mirror_text=order.mirror_text)
        for _ in run.training():
            if stopped:
                break
        if run.done():
            run.finish()
        else:
            run.save(scored=False)
            run.close()
        return Ended(run.state.step, run.done(), worst_finding(run))
    except GanacheError as error:
        return Ended(0, done=False, said=str(error), failed=True)
    except Exception as error:  # of a plugin, of the disk, or a bug: the other runs go on
        traceback.print_exc()
        return Ended(0, done=False, said=f"{type(error).__name__}: {first_line(error)}", failed=True)


def enter(directory: str) -> None:
    """Raises CheckpointError if this machine does not have the working directory of the command."""
    try:
        os.chdir(directory)
    except OSError as error:
        raise CheckpointError(
            f"The folder {directory} cannot be entered on the machine {os.uname().nodename} ({error.strerror}): give "
            "all machines a shared folder of the same path, and start the command in it."
        ) from None


def train_several(orders: Sequence[Order], executor: Executor) -> bool:
    """Train all runs, and print what becomes of them; return whether all have reached the end of their budgets.

    A run that fails does not end the others. Raises TrainingError at the end if there is one, SystemExit after SIGTERM.
    """
    ended: dict[str, Ended] = {}
    names = [order.folder for order in orders]
    print(f"{len(orders)} runs, {min(executor.workers, len(orders))} at a time.", flush=True)
    received: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        received.append(number)
        for child in active_children():
            if child.pid is not None:
                os.kill(child.pid, number)
        raise KeyboardInterrupt

    handle_stopping(pass_on)
    with suppress(KeyboardInterrupt), telling(names, ended):
        for place, end in executor.run(train_there, [(order,) for order in orders]):
            ended[names[place]] = end
            print(describe(names[place], end, len(ended), len(names)), flush=True)
    if received:
        done = sum(end.done for end in ended.values())
        print(f"Stopped: {done} of {len(names)} runs are done, and the others saved: the same command resumes them.")
        if received[0] == signal.SIGTERM:
            raise SystemExit(REQUEUE)
        return False
    failed = [name for name, end in ended.items() if end.failed]
    if failed:
        raise TrainingError(
            f"{len(failed)} of {len(names)} runs have failed, such as {failed[0]}, and the others are done: the lines "
            "above say why."
        )
    return True


def describe(name: str, end: Ended, count: int, total: int) -> str:
    """Return the line about a run that has ended."""
    how = "failed" if end.failed else f"done at step {end.step}" if end.done else f"saved at step {end.step}"
    return in_one_line(f"{count} of {total}: {name}: {how}" + (f": {end.said}" if end.said else "."))


@contextmanager
def telling(names: Sequence[str], ended: dict[str, Ended]) -> Iterator[None]:
    """Print every now and then how far the runs are."""
    over = threading.Event()

    def tell() -> None:
        while not over.wait(EVERY):
            steps = {name: last_step(Path(name)) for name in names if name not in ended}
            at = [f"{Path(name).name} at step {step}" for name, step in steps.items() if step is not None]
            print(in_one_line(f"{len(ended)} of {len(names)} ended; {', '.join(at) or 'none has begun'}"), flush=True)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def last_step(folder: Path) -> int | None:
    """Return the step of the last line in the log of a run, or None if there is none yet."""
    with suppress(OSError, ValueError, LookupError, TypeError), open(folder / "log.jsonl", "rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        return int(json.loads(file.read().splitlines()[-1])["step"])
    return None
