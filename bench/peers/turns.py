"""How a peer takes its turns: a line on standard input asks for a step, a line on standard output says its seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def take(step: Callable[[], object]) -> None:
    """Two steps to warm up, the word "ready", then a step for every line."""
    for _ in range(2):
        step()
    answer("ready")
    for _ in sys.stdin:
        begin = time.perf_counter()
        step()
        answer(f"{time.perf_counter() - begin}")


def answer(line: str) -> None:
    print(line, flush=True)
