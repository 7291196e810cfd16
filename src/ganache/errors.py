"""What can go wrong for a user, as a tree.

    GanacheError                exit code 2, one sentence: what was received, what was expected, what to do
    +-- DataError               no usable image, an unreadable source, a data set that needs the network
    +-- ConfigError             a setting with no such name, of the wrong kind or out of range
    +-- CheckpointError         a run or checkpoint that is missing, damaged or of another run
    +-- TrainingError           the numbers of a run stopped being numbers
    +-- ExportError             a generator whose exported pictures are not its own
    +-- MissingExtra            an optional library that is not installed

Only the command line prints them; the library raises them. A bug of ours raises anything else, with its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class GanacheError(Exception):
    """The user can mend this; the message is one sentence that says how."""


class DataError(GanacheError):
    """The data cannot be used as they are."""


class ConfigError(GanacheError):
    """A setting is unknown, of the wrong kind or out of range."""


class CheckpointError(GanacheError):
    """A run or a checkpoint is missing, damaged, or belongs to another run."""


class TrainingError(GanacheError):
    """The numbers of a run stopped being numbers."""


class ExportError(GanacheError):
    """A generator cannot be written as another kind of file so that its pictures stay the same."""


class MissingExtra(GanacheError):
    """An optional library is needed and is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional library: install it with  pip install 'ganache[{extra}]'.")


def choices(given: str, known: Iterable[str]) -> str:
    """The end of a sentence that refuses a name: the closest known ones first, else all of them.

    >>> choices("facs", ["faces", "digits"])
    "did you mean 'faces'?"
    >>> choices("x", ["faces", "digits"])
    'choose one of: digits, faces.'
    """
    known = sorted(known)
    close = get_close_matches(given, known, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f"'{name}'" for name in close) + "?"
    return "choose one of: " + ", ".join(known) + "."
