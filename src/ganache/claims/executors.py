"""Where units of work run: one after the other here, or each in a process of its own.

An executor runs tasks in any order and yields what they measured; a cluster's would have the same interface.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Protocol

import torch

from ganache.claims.claim import Claim, Numbers, Size, Unit
from ganache.claims.machine import describe_machine
from ganache.core.plugins import load_plugins


@dataclass(frozen=True, eq=False)
class Task:
    """One unit of a claim to measure."""

    claim: Claim[Any]
    unit: Unit
    size: Size

    def run(self) -> Result:
        machine, start = describe_machine(), time.perf_counter()
        return Result(self.claim.measure(self.unit, self.size), time.perf_counter() - start, machine)


@dataclass(frozen=True)
class Result:
    """The numbers of a unit, the seconds that it took, and the machine."""

    numbers: Numbers
    seconds: float
    machine: dict[str, str]


class Executor(Protocol):
    """Runs tasks somewhere."""

    @property
    def workers(self) -> int:
        """How many tasks run at the same time."""

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
        """Start the tasks in their order, and yield each one with its result as it finishes."""


class OneByOne:
    """Runs tasks in this process."""

    workers = 1

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
        for task in tasks:
            yield task, task.run()


@dataclass(frozen=True)
class Processes:
    """Runs each task in a process with one thread.

    The networks of the claims are small: with two threads, a training spends most of its time on synchronisation.
    """

    workers: int

    def run(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Result]]:
        # A new interpreter would look for modules in the working directory first, which may be somebody else's.
        before = os.environ.get("PYTHONSAFEPATH")
        os.environ["PYTHONSAFEPATH"] = "1"
        pool = ProcessPoolExecutor(self.workers, get_context("spawn"), initializer=start_worker)
        try:
            started = {pool.submit(run_named, task.claim.name, task.unit, task.size): task for task in tasks}
            for future in as_completed(started):
                yield started[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)
            if before is None:
                del os.environ["PYTHONSAFEPATH"]
            else:
                os.environ["PYTHONSAFEPATH"] = before


def run_named(name: str, unit: Unit, size: Size) -> Result:
    """Run a task of the claim with this name: a claim itself cannot be sent to another process."""
    from ganache.claims import CLAIMS

    return Task(CLAIMS[name], unit, size).run()


def start_worker() -> None:
    """Prepare a worker process: one thread, plugins, and a silent end on Ctrl-C, which the main process reports."""
    torch.set_num_threads(1)
    load_plugins()  # before a task is unpickled, whose size may be a plugin's
    signal.signal(signal.SIGINT, signal.SIG_DFL)
