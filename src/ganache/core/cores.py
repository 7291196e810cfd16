"""Apply a function to many items on all cores, one item per core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_on_cores(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return [function(item) for item in items], computed in as many threads as PyTorch uses.

    PyTorch splits an operation between threads, and they wait for each other after each of them; small operations are
    faster when each thread computes whole items. In a thread of this function PyTorch uses one core, and gradients are
    recorded if they are where it was called.
    """
    cores = torch.get_num_threads()
    if cores == 1 or len(items) < 2:
        return [function(item) for item in items]
    gradients = torch.is_grad_enabled()

    def prepare() -> None:
        torch.set_num_threads(1)
        torch.set_grad_enabled(gradients)

    try:
        with ThreadPoolExecutor(cores, thread_name_prefix="ganache-cores", initializer=prepare) as threads:
            return list(threads.map(function, items))
    finally:
        torch.set_num_threads(cores)  # for threads that start later, which take the number that was set last
