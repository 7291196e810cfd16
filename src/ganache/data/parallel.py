"""A function over many items, on several threads, results in order, memory flat."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(function: Callable[[Item], Result], items: Iterable[Item], *, group: int = 16) -> Iterator[Result]:
    """function(item) for each item, in order, computed ahead by threads.

    Threads, not processes: decoding and hashing release the interpreter, and pixels need not be copied between
    processes. Items travel in groups, since a hand-over costs as much as a small picture. At most two groups a
    thread are under way, so memory does not grow with the number of items.
    """
    workers = min(8, os.cpu_count() or 1)
    source = iter(items)
    pending: deque[Future[list[Result]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="ganache-data") as pool:
        try:
            while True:
                while len(pending) < 2 * workers and (batch := list(islice(source, group))):
                    pending.append(pool.submit(_each, function, batch))
                if not pending:
                    return
                yield from pending.popleft().result()
        finally:
            # The consumer may have stopped early or been interrupted: what is not begun need not be done.
            for future in pending:
                future.cancel()


def _each(function: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    return [function(item) for item in items]
