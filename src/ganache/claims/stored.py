"""Verdicts and measurements as they are stored, checked when they are read: a folder may come from somebody else."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ganache.claims.verdict import Outcome
from ganache.core import storage
from ganache.core.strict import parse_json, read_record, require_bounded
from ganache.errors import CheckpointError, ConfigError

FIGURE = re.compile(r"[\w-][\w.-]*\.webp")
"""The name of a figure: a plain name inside the claim's folder."""
MAX_FIGURE = MAX_VERDICT = 2**26
"""Bytes."""

Number = float | Literal["inf", "-inf", "nan"]
"""A number as strict JSON allows it."""


@dataclass(frozen=True)
class StoredPart:
    """One measured number of a verdict; see `verdict.Part`."""

    what: str
    values: tuple[Number, ...]
    holds: Number
    fails: Number
    outcome: Outcome
    number: str
    confidence: float
    interval: tuple[Number, Number]
    """The confidence interval of the mean."""
    seeds_needed: int | None
    yes_no: bool = False
    seeds: int | None = None
    detects: Number = "nan"
    """The smallest difference that as many seeds detect in four of five repetitions."""

    @property
    def signs(self) -> tuple[str, str]:
        """The signs before the numbers at which it holds and fails."""
        return ("≥", "≤") if float(self.holds) > float(self.fails) else ("≤", "≥")


@dataclass(frozen=True)
class StoredControl:
    """A positive control of a verdict; see `verdict.Control`."""

    what: str
    values: tuple[Number, ...]
    bound: Number
    reason: str
    at_least: bool
    whose: str
    passed: bool
    progress: float
    number: str


@dataclass(frozen=True)
class StoredVerdict:
    """The content of `verdict.json`."""

    name: str
    number: int
    claim: str
    outcome: Outcome
    reason: str
    summary: tuple[dict[str, str], ...]
    parts: tuple[StoredPart, ...]
    controls: tuple[StoredControl, ...]
    source: str
    protocol: str
    quick: bool
    seeds: int
    seeds_needed: int | None
    size: dict[str, Any]
    seconds: float
    command: str
    machines: tuple[dict[str, str], ...]
    figures: tuple[str, ...]
    estimated: float = 0.0
    """The seconds that had been estimated; 0 if not all of them had been."""
    looks: int = 1
    """How often the claim may be judged, with more seeds each time."""
    judged: tuple[int, ...] = ()
    """The numbers of seeds with which it has been judged."""
    shared_with: tuple[str, ...] = ()
    """The names of claims that judge the same measurements."""

    def __post_init__(self) -> None:
        require_bounded((name, getattr(self, name)) for name in ("number", "seeds", "seconds", "estimated"))
        if not all(FIGURE.fullmatch(name) for name in self.figures):
            raise ValueError("a figure is a plain name that ends in .webp")


@dataclass(frozen=True)
class StoredUnit:
    """The content of a file in `units/`: a measurement, its protocol and the machine."""

    variant: str
    seed: int
    protocol: dict[str, Any]
    numbers: dict[str, Any]
    seconds: float
    machine: dict[str, str]
    estimated: float = 0.0
    """The seconds that had been estimated."""

    def __post_init__(self) -> None:
        require_bounded((name, getattr(self, name)) for name in ("seed", "seconds", "estimated"))


def read_verdicts(out: Path) -> tuple[list[StoredVerdict], list[str]]:
    """Return (the verdicts in the folder `out` in the order of the report, a sentence per file that is no verdict)."""
    found: list[StoredVerdict] = []
    problems: list[str] = []
    for path in sorted(out.glob("*/verdict.json")):
        try:
            verdict = read_verdict(path)
            if verdict.name != path.parent.name:
                raise ValueError("it is of another claim")
            found.append(verdict)
        except (OSError, ValueError, ConfigError) as error:
            problems.append(f"{path} cannot be read ({error}): it is left out of the report; delete it.")
    return sorted(found, key=lambda verdict: verdict.number), problems


def read_verdict(path: Path) -> StoredVerdict:
    """Return a verdict. Raises OSError, ValueError or ConfigError if there is none."""
    return read_record(StoredVerdict, parse_json(storage.read_text(path, MAX_VERDICT), "A verdict"), "verdict")


def read_unit(path: Path) -> StoredUnit | None:
    """Return a measurement, or None if there is none. Raises CheckpointError if the file is something else."""
    try:
        return read_record(StoredUnit, decoded(parse_json(storage.read_text(path), "A measurement")), "measurement")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ConfigError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}): delete it to measure it again.") from None


def figures(verdict: StoredVerdict, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of the figures of a verdict that are in the claim's folder."""
    for name in verdict.figures:
        try:
            yield name, storage.read_bytes(folder / name, MAX_FIGURE)
        except OSError:
            continue


# ---- JSON ----------------------------------------------------------------------------------------------------------


def encoded(value: Any) -> Any:
    """Return plain data as strict JSON allows it: infinities and NaN become text.

    >>> encoded({"kl": [math.inf, 0.5]}), decoded({"kl": ["inf", 0.5]})
    ({'kl': ['inf', 0.5]}, {'kl': [inf, 0.5]})
    """
    if isinstance(value, dict):
        return {name: encoded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [encoded(each) for each in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def decoded(value: Any) -> Any:
    """Return the plain data that `encoded` was given."""
    if isinstance(value, dict):
        return {name: decoded(each) for name, each in value.items()}
    if isinstance(value, list):
        return [decoded(each) for each in value]
    return float(value) if value in ("inf", "-inf", "nan") else value
