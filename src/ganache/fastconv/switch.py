"""The switch that turns all fast forms off, so that every layer computes by PyTorch's own operation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MODES = ("fast", "pytorch")
VARIABLE = "GANACHE_FASTCONV"


def environment(variable: str, values: tuple[str, ...]) -> str:
    """Return the value of an environment variable, by default the first of `values`; raise ValueError for others."""
    value = os.environ.get(variable) or values[0]
    if value not in values:
        allowed = " or ".join(f"'{each}'" for each in values)
        raise ValueError(f"{variable} is '{value}', and must be {allowed}: set one of these, or unset it.")
    return value


DEFAULT = environment(VARIABLE, MODES)
_mode: ContextVar[str] = ContextVar("mode", default=DEFAULT)


@contextmanager
def use(mode: str) -> Iterator[None]:
    """Select how layers compute inside a `with` block: "fast" by the form that pays, "pytorch" by PyTorch's operation.

    Like `torch.autocast` it applies to the current thread. The environment variable GANACHE_FASTCONV sets the mode for
    the whole process; "fast" is the default. Raises ValueError for any other mode.
    """
    if mode not in MODES:
        raise ValueError(f"the mode given to fastconv.use is {mode!r}, and must be 'fast' or 'pytorch'.")
    token = _mode.set(mode)
    try:
        yield
    finally:
        _mode.reset(token)


def is_fast() -> bool:
    """Return whether fast forms may be chosen."""
    return _mode.get() == "fast"
