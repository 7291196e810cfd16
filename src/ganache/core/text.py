"""Text to show: what comes from files and names is made safe, and sizes are said in words."""

from __future__ import annotations

import re

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters except tab and line end, characters that change the direction of writing, and no characters."""


def printable(text: str) -> str:
    r"""Return a text with its control characters, except tabs and line ends, as escapes.

    >>> printable("a\x1b[31m")
    'a\\x1b[31m'
    """
    return CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def first_line(error: BaseException) -> str:
    """Return what an error says first, or what kind it is if it says nothing.

    >>> first_line(ValueError("no number")), first_line(ValueError())
    ('no number', 'ValueError')
    """
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def in_one_line(text: str) -> str:
    r"""Return a text with its control characters, also tabs and line ends, as escapes.

    >>> in_one_line("a\nb")
    'a\\nb'
    """
    return printable(text).replace("\n", r"\n").replace("\t", r"\t")


def file_size(size: int) -> str:
    """Return a number of bytes for people.

    >>> file_size(6_270_448), file_size(3_751)
    ('6.3 MB', '4 kB')
    """
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{max(1, round(size / 1000))} kB"
