"""Text for the terminal: whatever a command prints, no control character of a file or a name reaches the terminal.

File names, class labels, notices in a log and errors of libraries come from others. So the standard streams themselves
replace control characters, and no command has to think of it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from ganache.core.text import printable

PROGRESS = re.compile(r"(\x1b\[A)+|\r +\r|\r")
"""What progress bars write besides text: up some lines, and back to the start of the line."""


class PlainStream:
    """A text stream that writes control characters as escapes such as \\x1b, and what it cannot encode likewise.

    Progress bars still work: each of their movements is a whole `write`, or a carriage return before the text.
    """

    escapes = False
    """Whether control characters are written as they are, for ganache's own help in colours."""

    def __init__(self, stream: TextIO, progress: bool = False) -> None:
        """`progress`: whether progress bars are written to this stream."""
        self._stream, self._progress = stream, progress

    def write(self, text: str) -> int:
        """Write `text` without control characters; return its length."""
        plain = text if PlainStream.escapes else self._neutralised(text)
        try:
            self._stream.write(plain)
        except UnicodeEncodeError:
            encoding = self._stream.encoding or "ascii"
            self._stream.write(plain.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def _neutralised(self, text: str) -> str:
        if self._progress and text[:1] in ("\r", "\x1b"):
            if PROGRESS.fullmatch(text):
                return text
            if text.startswith("\r"):
                return "\r" + printable(text[1:])
        return printable(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def plain_streams() -> Iterator[None]:
    """Keep control characters from standard output and error, inside the context."""
    before = sys.stdout, sys.stderr
    sys.stdout = PlainStream(sys.stdout)  # type: ignore[assignment]
    sys.stderr = PlainStream(sys.stderr, progress=True)  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def escapes_allowed() -> Iterator[None]:
    """Write control characters as they are, inside the context: for text that is ganache's own."""
    PlainStream.escapes = True
    try:
        yield
    finally:
        PlainStream.escapes = False
