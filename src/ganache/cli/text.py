"""Words of the command line: those that the user gave, in messages, and those that the user can copy."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from typing import Any

from ganache.core.text import in_one_line

LONGEST = 60
"""Characters of a word that a message repeats."""
MESSAGE = 2_000
"""Characters of a message."""


def shown(word: str) -> str:
    r"""Return a word in quotes as messages repeat it: shortened, and without control characters.

    >>> shown("trian"), shown("a\x1b[31m"), len(shown("x" * 1000))
    ("'trian'", "'a\\x1b[31m'", 62)
    """
    plain = in_one_line(word[: LONGEST + 1])
    return f"'{plain}'" if len(plain) <= LONGEST else f"'{plain[: LONGEST - 3]}...'"


def shortened(text: str, most: int = MESSAGE) -> str:
    """Return a text in one line, with its middle left out if it has more than `most` characters."""
    text = in_one_line(text)
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"


def without_long_words(text: str, words: Sequence[str]) -> str:
    """Return a text in which long `words`, or values after = in them, are cut in their middle.

    Errors of the system contain their `repr`.
    """
    parts = {part for word in words for part in (word, word.partition("=")[2]) if len(part) > LONGEST}
    for part in sorted(parts | {repr(part)[1:-1] for part in parts}, key=len, reverse=True):
        text = text.replace(part, f"{part[: LONGEST // 2]}...{part[3 - LONGEST // 2 :]}")
    return text


def expanded(word: str) -> str:
    """Return a word of the command line with ~ at the start of it, or of its value, replaced by the home folder.

    >>> expanded("--out=~/x") == f"--out={os.path.expanduser('~')}/x", expanded("a~b")
    (True, 'a~b')
    """
    option, path = re.fullmatch(r"((?:[\w.-]+=)?)(.*)", word, re.DOTALL).groups()  # type: ignore[union-attr]
    return option + os.path.expanduser(path)


def command(*words: Any) -> str:
    """Return a command of ganache for the user to copy, quoted for the shell.

    >>> command("sample", "runs/my faces")
    "ganache sample 'runs/my faces'"
    """
    return shlex.join(["ganache", *map(str, words)])
