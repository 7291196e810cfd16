"""Units side by side: each in a process of its own with one thread, as many as the machine has cores.

The networks of the claims are small: two threads on one of them wait for each other most of the time.
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
from ganache.claims.machine import machine
from ganache.core.plugins import load_plugins

Done = tuple[Unit, Numbers, float, dict[str, str]]
"""A unit, what was measured, the seconds it took, and where."""


def cores() -> int:
    """How many this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measured(name: str, unit: Unit, how: Size) -> Done:
    """One unit of the claim of that name, timed."""
    from ganache.claims import CLAIMS

    begun = time.perf_counter()
    numbers = CLAIMS[name].measure(unit, how)
    return unit, numbers, time.perf_counter() - begun, machine()


def begin() -> None:
    """A worker's first act: one thread, and Ctrl-C ends it without a word, for the main program has its own."""
    torch.set_num_threads(1)
    load_plugins()  # before a task is unpickled, whose claim may be a plugin
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def side_by_side(tasks: list[tuple[str, Unit, Size]], workers: int) -> Iterator[tuple[str, Done]]:
    """(claim's name, what came of one of its units) for all tasks, as they come in; they are begun in their order."""
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=begin)
    try:
        names = {pool.submit(measured, *task): task[0] for task in tasks}
        for future in as_completed(names):
            yield names[future], future.result()
    finally:
        pool.shutdown(cancel_futures=True)
