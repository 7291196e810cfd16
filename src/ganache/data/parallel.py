"""Apply a function to many items in several threads, with results in order and bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_order(function: Callable[[Item], Result], items: Iterable[Item], *, group: int = 16) -> Iterator[Result]:
    """Yield function(item) for each item, in order; threads compute ahead.

    Threads suffice, since decoding and hashing release the GIL, and no pixels are copied between processes. Items are
    submitted in groups, because a submission costs as much as a small image. At most two groups per thread are pending,
    so memory use does not depend on the number of items.
    """
    workers = min(8, os.cpu_count() or 1)
    source = iter(items)
    pending: deque[Future[list[Result]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="ganache-data") as pool:
        try:
            while True:
                while len(pending) < 2 * workers and (batch := list(islice(source, group))):
                    pending.append(pool.submit(_apply, function, batch))
                if not pending:
                    return
                yield from pending.popleft().result()
        finally:
            # If the consumer stopped early or was interrupted, pending groups are not needed.
            for future in pending:
                future.cancel()


def _apply(function: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    return [function(item) for item in items]
