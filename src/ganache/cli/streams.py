"""Standard streams that end before the program does: a pipe whose reader has exited, a terminal that was closed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO


def open_missing_streams() -> None:
    """Open standard streams that the caller closed.

    Otherwise the next file that is opened, such as a checkpoint, gets the number of standard error, and the messages
    of C libraries are written into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  (as long as the process)


class LastingStream:
    """A text stream that drops what is written after its reader or terminal has gone."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.gone = False

    def write(self, text: str) -> int:
        """Write `text` if anybody can read it; return its length."""
        if not self.gone:
            try:
                return self._stream.write(text)
            except (OSError, ValueError):
                self._drop()
        return len(text)

    def flush(self) -> None:
        """Pass on what is buffered."""
        if not self.gone:
            try:
                self._stream.flush()
            except (OSError, ValueError):
                self._drop()

    def isatty(self) -> bool:
        """Whether a terminal shows the text."""
        return not self.gone and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _drop(self) -> None:
        self.gone = True
        try:  # else the interpreter's end would fail to write what is still buffered
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
        except (OSError, ValueError):
            return


@contextmanager
def lasting_streams() -> Iterator[None]:
    """Let standard output and error drop what nobody can read, inside the context."""
    before = sys.stdout, sys.stderr
    streams = LastingStream(sys.stdout), LastingStream(sys.stderr)
    sys.stdout, sys.stderr = streams  # type: ignore[assignment]
    try:
        yield
    finally:
        for stream in streams:
            stream.flush()
        sys.stdout, sys.stderr = before
