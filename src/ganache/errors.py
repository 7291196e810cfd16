"""The exceptions for errors that a user can correct.

    GanacheError                one sentence: what was received, what was expected, what to do
    +-- DataError               no usable image, an unreadable source, a data set that has to be downloaded
    +-- ConfigError             a setting that is unknown, of the wrong type or out of range
    +-- CheckpointError         a run or checkpoint that is missing, unreadable or of another run
    |   +-- DamagedCheckpoint   a checkpoint that was read, and whose content is not what was written
    |   +-- HubError            a model that the Hugging Face hub does not give or take
    +-- TrainingError           a loss or weight of the run became NaN or infinite
    +-- ExportError             an exported generator that does not reproduce the original's images
    +-- MissingExtra            an optional library that is not installed

The library raises them; only the command line prints them and exits with code 2. Any other exception is a bug in
ganache and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class GanacheError(Exception):
    """An error that the user can correct. The message is one sentence that says how."""


class DataError(GanacheError):
    """The data cannot be used as they are."""


class ConfigError(GanacheError):
    """A setting is unknown, of the wrong type or out of range."""


class CheckpointError(GanacheError):
    """A run or a checkpoint is missing, cannot be read, or belongs to another run."""


class DamagedCheckpoint(CheckpointError):
    """A checkpoint was read, and its content is not what was written. A file that cannot be read is not damaged."""


class HubError(CheckpointError):
    """The Hugging Face hub cannot be reached, or does not give or take a model."""


class LostProcess(GanacheError):
    """One of the processes that work together has ended, or does not answer."""


class TrainingError(GanacheError):
    """A loss or weight of the run became NaN or infinite."""


class ExportError(GanacheError):
    """A generator cannot be exported so that its images stay the same."""


class MissingExtra(GanacheError):
    """An optional library is needed but not installed. `what` needs it, and the extra `extra` installs it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional library: install it with  pip install 'ganache[{extra}]'.")


class GanacheWarning(UserWarning, RuntimeWarning):
    """What a user should know, and what ends nothing. The message is one sentence; the command line prints it."""


def choices(given: str, known: Iterable[str]) -> str:
    """Return the end of an error sentence about an unknown name: the closest known names, or all if none is close.

    >>> choices("facs", ["faces", "digits"])
    "did you mean 'faces'?"
    >>> choices("WGAN_GP", ["wgan-gp", "digits"])
    "did you mean 'wgan-gp'?"
    >>> choices("x", ["faces", "digits"])
    'choose one of: digits, faces.'
    >>> choices("x", [])
    'leave it out, as there are none to choose from.'
    """
    known = sorted(known)
    if not known:
        return "leave it out, as there are none to choose from."
    alike = {name.lower().replace("_", "-"): name for name in known}
    plain = given.lower().replace("_", "-")
    found = [plain] if plain in alike else get_close_matches(plain, alike, n=3, cutoff=0.6)
    close = [alike[name] for name in found]
    if close:
        return "did you mean " + " or ".join(f"'{name}'" for name in close) + "?"
    return "choose one of: " + ", ".join(known) + "."
