"""Points in latent space as plain data: a seed, a name, the numbers of a latent, or the mean of several of these.

command line            JSON                                                meaning
17                      17                                                  the latent of seed 17
smiling                 "smiling"                                           a latent that the run keeps under this name
3,17,smiling            [3, 17, "smiling"]                                  the mean of the three
{"vector": [...]}       {"vector": [0.1, -0.2, ...]}                        a latent, number by number
                        {"name": "smiling", "seeds": [3, 17],               what a name meant when the figure was
                         "mean": 0.0, "std": 0.5}                           made
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from ganache.core.seeds import require_seed
from ganache.core.strict import build, parse_json
from ganache.errors import ConfigError, choices

MAX_VALUE = 1e6
"""The largest absolute value of a number in a latent: larger ones overflow in a network."""
NAME = re.compile(r"[^\W\d][\w-]{0,63}")
"""Names of latents: a letter, then letters, digits, - and _."""
GENERATOR_DIRECTION = re.compile(r"(sefa|pca)([1-9]\d{0,2})")
"""Names of directions that can be computed for every generator, the strongest first; a kept latent hides one."""


@dataclass(frozen=True)
class Kept:
    """A latent that a run keeps: the mean of the latents of `seeds`, drawn with `mean` and `std`; or a vector.

    Raises ConfigError if a field is invalid, or unless exactly one of `seeds` and `vector` is given.
    """

    name: str = ""
    seeds: tuple[int, ...] = ()
    mean: float = 0.0
    std: float = 1.0
    vector: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.name:
            check_name(self.name)
        for seed in self.seeds:
            check_seed(seed)
        if bool(self.seeds) == bool(self.vector):
            raise ConfigError("A latent is kept by its seeds or by its vector: give exactly one of the two.")
        for number in (*self.vector, self.mean, self.std):
            if not -MAX_VALUE <= number <= MAX_VALUE:  # false for NaN
                raise ConfigError(
                    f"A latent has the number {number}: use numbers from {-MAX_VALUE:g} to {MAX_VALUE:g}."
                )
        if self.std < 0:
            raise ConfigError(f"A latent's std is {self.std}: use a number that is not negative.")

    @property
    def label(self) -> str:
        """The latent's name in captions.

        >>> Kept(seeds=(3,)).label, Kept(vector=(0.5,)).label
        ('seed 3', 'a vector')
        """
        if self.name or not self.seeds:
            return self.name or "a vector"
        return f"seed {self.seeds[0]}" if len(self.seeds) == 1 else f"mean of {len(self.seeds)}"


@dataclass(frozen=True)
class Point:
    """The mean of its parts, each a seed, a name or a kept latent. Most points have one part."""

    parts: tuple[int | str | Kept, ...]

    def __str__(self) -> str:
        """
        >>> str(Point((3, 17))), str(Point(("smiling",))), str(Point(tuple(range(9))))
        ('mean of 3, 17', 'smiling', 'mean of 9')
        """
        names = [part.label if isinstance(part, Kept) else str(part) for part in self.parts]
        if len(names) == 1:
            return f"seed {names[0]}" if isinstance(self.parts[0], int) else names[0]
        return f"mean of {len(names)}" if len(names) > 4 else f"mean of {', '.join(names)}"

    def resolved(self, names: Mapping[str, Kept]) -> Point:
        """Return the point with each name replaced by its latent; names such as sefa1 and pca1 stay.

        Raises ConfigError for an unknown name.
        """
        for part in self.parts:
            if isinstance(part, str) and part not in names and not GENERATOR_DIRECTION.fullmatch(part):
                raise_unknown_name(part, names)
        return Point(tuple(names.get(part, part) if isinstance(part, str) else part for part in self.parts))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from pydantic_core.core_schema import no_info_plain_validator_function

        return no_info_plain_validator_function(point_from_json)


# ---- text and JSON to points -------------------------------------------------------------------------------------


def parse_point(text: str) -> Point:
    """Parse a point as the command line has it. Raises ConfigError if the text is not a point.

    >>> parse_point("3, 17,smiling").parts
    (3, 17, 'smiling')
    """
    if text.lstrip().startswith(("{", "[")):
        return point_from_json(parse_json(text, "A latent"))
    parts = [part.strip() for part in text.split(",")]
    return point_from_json([int(part) if re.fullmatch(r"-?\d{1,30}", part) else part for part in parts])


def point_from_json(plain: Any) -> Point:
    """Convert a point from JSON data. Raises ConfigError if the data are not a point."""
    if isinstance(plain, Point):
        return plain
    parts = plain if isinstance(plain, list) else [plain]
    if not parts:
        raise ConfigError("A list of latents is empty: name at least 1.")
    return Point(tuple(map(part_from_json, parts)))


def part_from_json(plain: Any) -> int | str | Kept:
    """Convert one part of a point from JSON data."""
    if isinstance(plain, Mapping):
        return build(Kept, plain, "latent")
    if isinstance(plain, str):
        check_name(plain)
        return plain
    check_seed(plain)
    return int(plain)


def point_to_json(point: Point) -> Any:
    """Convert a point to JSON data; `point_from_json` is the inverse.

    >>> point_to_json(Point((17,))), point_to_json(Point((3, "smiling")))
    (17, [3, 'smiling'])
    """
    parts = [kept_to_json(part) if isinstance(part, Kept) else part for part in point.parts]
    return parts[0] if len(parts) == 1 else parts


def kept_to_json(kept: Kept) -> dict[str, Any]:
    """Convert a kept latent to JSON data, without the fields that have no meaning for it."""
    unused = ("mean", "std", "seeds") if kept.vector else ("vector",)
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(kept).items()}
    return {key: value for key, value in plain.items() if key not in unused and value != ""}


def raise_unknown_name(name: str, names: Mapping[str, Kept]) -> NoReturn:
    """Raise ConfigError for a name that no latent has."""
    known = choices(name, names) if names else "none has been named; write  ganache name RUN NAME --seeds 3,17,40"
    raise ConfigError(f"There is no latent named '{name}': {known}")


def check_seed(seed: object) -> None:
    """Raise ConfigError unless `seed` is a whole number from 0 to MAX_SEED."""
    if isinstance(seed, float):
        raise ConfigError(f'{seed!r} is no seed: write the numbers of a latent as {{"vector": [0.1, -0.2, ...]}}.')
    require_seed(seed)


def check_name(name: str) -> None:
    """Raise ConfigError unless `name` can be the name of a latent."""
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"'{name[:60]}' is neither a seed nor a name: a name is a letter, then letters, digits, - or _."
        )
