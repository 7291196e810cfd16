"""Points of latent space as plain data: a seed, a name, the numbers themselves, or the mean of several of these.

on the command line     in JSON                                             what
17                      17                                                  the latent of seed 17
smiling                 "smiling"                                           a latent kept in the run under a name
3,17,smiling            [3, 17, "smiling"]                                  the mean of the three
{"vector": [...]}       {"vector": [0.1, -0.2, ...]}                        a latent, number by number
                        {"name": "smiling", "seeds": [3, 17],               what a name stood for when a picture
                         "mean": 0.0, "std": 0.5}                           was made
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from ganache.core.strict import build, parse_json
from ganache.errors import ConfigError, choices

LARGEST_SEED = 2**63 - 1
LARGE = 1e6
"""No number in a latent is larger: a network's arithmetic would overflow."""
NAME = re.compile(r"[^\W\d][\w-]{0,63}")
"""A letter, then letters, digits, - and _."""
OWN = re.compile(r"(sefa|pca)([1-9]\d{0,2})")
"""Directions that every generator has by itself, counted from the strongest; a latent may be kept under such a name."""


@dataclass(frozen=True)
class Kept:
    """One latent that is kept: the mean of the latents of `seeds`, drawn at `mean` and `std`; or its numbers."""

    name: str = ""
    seeds: tuple[int, ...] = ()
    mean: float = 0.0
    std: float = 1.0
    vector: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.name:
            refuse_bad_name(self.name)
        for seed in self.seeds:
            refuse_bad_seed(seed)
        if bool(self.seeds) == bool(self.vector):
            raise ConfigError("A latent is kept by its seeds or by its vector: give one of the two.")
        for number in (*self.vector, self.mean, self.std):
            if not -LARGE <= number <= LARGE:  # as no NaN is
                raise ConfigError(f"A latent has the number {number}: use numbers from {-LARGE:g} to {LARGE:g}.")
        if self.std < 0:
            raise ConfigError(f"A latent's std is {self.std}: it must not be negative.")

    @property
    def called(self) -> str:
        """In captions.

        >>> Kept(seeds=(3,)).called, Kept(vector=(0.5,)).called
        ('seed 3', 'a vector')
        """
        if self.name or not self.seeds:
            return self.name or "a vector"
        return f"seed {self.seeds[0]}" if len(self.seeds) == 1 else f"mean of {len(self.seeds)}"


@dataclass(frozen=True)
class Point:
    """The mean of its parts, each a seed, a name or a kept latent; most points have one part."""

    parts: tuple[int | str | Kept, ...]

    def __str__(self) -> str:
        """
        >>> str(Point((3, 17))), str(Point(("smiling",))), str(Point(tuple(range(9))))
        ('mean of 3, 17', 'smiling', 'mean of 9')
        """
        names = [part.called if isinstance(part, Kept) else str(part) for part in self.parts]
        if len(names) == 1:
            return f"seed {names[0]}" if isinstance(self.parts[0], int) else names[0]
        return f"mean of {len(names)}" if len(names) > 4 else f"mean of {', '.join(names)}"

    def resolved(self, names: Mapping[str, Kept]) -> Point:
        """Every name replaced by what it stands for; sefa1, pca1, ... stay. Raises ConfigError for an unknown one."""
        for part in self.parts:
            if isinstance(part, str) and part not in names and not OWN.fullmatch(part):
                refuse_unknown(part, names)
        return Point(tuple(names.get(part, part) if isinstance(part, str) else part for part in self.parts))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core.core_schema import no_info_plain_validator_function

        return no_info_plain_validator_function(read)


# ---- text and JSON -> points -------------------------------------------------------------------------------------


def parse(text: str) -> Point:
    """A point as the command line has it. Raises ConfigError where it is none.

    >>> parse("3, 17,smiling").parts
    (3, 17, 'smiling')
    """
    if text.lstrip().startswith(("{", "[")):
        return read(parse_json(text, "A latent"))
    parts = [part.strip() for part in text.split(",")]
    return read([int(part) if re.fullmatch(r"-?\d{1,30}", part) else part for part in parts])


def read(plain: Any) -> Point:
    """A point as JSON has it. Raises ConfigError where it is none."""
    if isinstance(plain, Point):
        return plain
    parts = plain if isinstance(plain, list) else [plain]
    if not parts:
        raise ConfigError("A list of latents is empty: name at least 1.")
    return Point(tuple(map(read_part, parts)))


def read_part(plain: Any) -> int | str | Kept:
    """One part of a point as JSON has it."""
    if isinstance(plain, Mapping):
        return build(Kept, plain, "latent")
    if isinstance(plain, str):
        refuse_bad_name(plain)
        return plain
    refuse_bad_seed(plain)
    return int(plain)


def plain(point: Point) -> Any:
    """What `read` turns back.

    >>> plain(Point((17,))), plain(Point((3, "smiling")))
    (17, [3, 'smiling'])
    """
    parts = [plain_kept(part) if isinstance(part, Kept) else part for part in point.parts]
    return parts[0] if len(parts) == 1 else parts


def plain_kept(kept: Kept) -> dict[str, Any]:
    """A kept latent as JSON has it, without what says nothing."""
    silent = ("mean", "std", "seeds") if kept.vector else ("vector",)
    whole = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(kept).items()}
    return {key: value for key, value in whole.items() if key not in silent and value != ""}


def refuse_unknown(name: str, names: Mapping[str, Kept]) -> NoReturn:
    """No latent goes by this name."""
    there = choices(name, names) if names else "none has been named; write  ganache name RUN NAME --seeds 3,17,40"
    raise ConfigError(f"There is no latent named '{name}': {there}")


def refuse_bad_seed(seed: object) -> None:
    """Raise ConfigError unless it is a seed."""
    if isinstance(seed, float):
        raise ConfigError(f'{seed!r} is no seed: a latent\'s own numbers are written {{"vector": [0.1, -0.2, ...]}}.')
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
        raise ConfigError(f"{seed!r} is no seed: use a whole number from 0 to {LARGEST_SEED}.")


def refuse_bad_name(name: str) -> None:
    """Raise ConfigError unless it can be a name."""
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"'{name[:60]}' is neither a seed nor a name, which is a letter, then letters, digits, - or _."
        )
