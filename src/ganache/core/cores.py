"""The cores of this machine: a function applied to many items on all of them, and how long threads waited for one."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_on_cores(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return [function(item) for item in items], computed at the same time in threads that share the cores.

    PyTorch splits an operation between threads, and they wait for each other after each of them; small operations are
    faster when each thread computes whole items. In a thread of this function PyTorch uses one core, or more if there
    are fewer items than cores. Gradients are recorded, and autocast is enabled, if they are where it was called.
    """
    cores = torch.get_num_threads()
    workers = min(cores, len(items))
    gradients = torch.is_grad_enabled()
    dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else None

    def compute(item: Item) -> Result:
        # Without autocast's cache of cast weights: all threads share it, and the first that ends empties it. The
        # gradient of a weight that is used twice is rounded in between if its cast was in the cache, which would be a
        # matter of timing.
        with torch.autocast("cpu", dtype, enabled=dtype is not None, cache_enabled=False):
            return function(item)

    if workers < 2:
        return [compute(item) for item in items]

    def prepare() -> None:
        torch.set_num_threads(cores // workers)
        torch.set_grad_enabled(gradients)

    try:
        with ThreadPoolExecutor(workers, thread_name_prefix="ganache-cores", initializer=prepare) as threads:
            return list(threads.map(compute, items))
    finally:
        torch.set_num_threads(cores)  # for threads that start later, which take the number that was set last


def usable_cores() -> int:
    """Return the number of cores that this program may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """Return the name of the processor, and the number of cores that the program may use.

    >>> processor().endswith("cores usable)")
    True
    """
    name = platform.processor() or platform.machine()
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        lines = listed.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    return f"{name} ({usable_cores()} cores usable)"


def seconds_on_cores() -> tuple[float, float]:
    """Return the seconds that the threads of this process have run, and those that they were ready and had no core.

    The second number grows where other programs compute at the same time. (0, 0) where the system does not tell:
    Linux does, in `/proc/self/task/*/schedstat`.
    """
    ran = waited = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):
        try:
            on_core, in_queue, _ = map(int, path.read_text(encoding="ascii").split())
        except (OSError, ValueError):  # the thread has ended, or a system without these numbers
            continue
        ran, waited = ran + on_core, waited + in_queue
    return ran / 1e9, waited / 1e9
