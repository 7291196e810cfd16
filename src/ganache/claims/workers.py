"""Units in parallel: each in a process with one thread, as many processes as the machine has cores.

The networks of the claims are small: with two threads, a training spends most of its time on synchronisation.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

import torch

from ganache.claims.claim import Numbers, Size, Unit
from ganache.claims.machine import describe_machine
from ganache.core.plugins import load_plugins

Result = tuple[Unit, Numbers, float, dict[str, str]]
"""A unit, its numbers, the seconds that it took, and the machine."""


def usable_cores() -> int:
    """Return the number of cores that this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure_unit(name: str, unit: Unit, size: Size) -> Result:
    """Measure one unit of the claim with this name, and time it."""
    from ganache.claims import CLAIMS

    start = time.perf_counter()
    numbers = CLAIMS[name].measure(unit, size)
    return unit, numbers, time.perf_counter() - start, describe_machine()


def start_worker() -> None:
    """Prepare a worker process: one thread, plugins, and a silent end on Ctrl-C, which the main process reports."""
    torch.set_num_threads(1)
    load_plugins()  # before a task is unpickled, whose claim may be a plugin
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_in_parallel(tasks: list[tuple[str, Unit, Size]], workers: int) -> Iterator[tuple[str, Result]]:
    """Start the tasks in their order, and yield (name of the claim, result) as each one finishes."""
    # A new interpreter would look for modules in the working directory first, which may be somebody else's.
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=start_worker)
    try:
        names = {pool.submit(measure_unit, *task): task[0] for task in tasks}
        for future in as_completed(names):
            yield names[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before
