"""The switch that turns all fast forms off, so that every layer computes by PyTorch's own operation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MODES = ("fast", "pytorch")
VARIABLE = "GANACHE_FASTCONV"


def checked(mode: str, source: str) -> str:
    if mode not in MODES:
        raise ValueError(f"{source} is {mode!r}, and must be 'fast' or 'pytorch': set one of these two.")
    return mode


DEFAULT = checked(os.environ.get(VARIABLE, "fast"), VARIABLE)
_mode: ContextVar[str] = ContextVar("mode", default=DEFAULT)


@contextmanager
def use(mode: str) -> Iterator[None]:
    """Select how layers compute inside a `with` block: "fast" by the form that pays, "pytorch" by PyTorch's operation.

    Like `torch.autocast` it applies to the current thread. The environment variable GANACHE_FASTCONV sets the mode for
    the whole process; "fast" is the default. Raises ValueError for any other mode.
    """
    token = _mode.set(checked(mode, "the mode given to fastconv.use"))
    try:
        yield
    finally:
        _mode.reset(token)


def is_fast() -> bool:
    """Return whether fast forms may be chosen."""
    return _mode.get() == "fast"
