"""What all requests share: the limits of their numbers, and refusals in one sentence."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from ganache.errors import ConfigError
from ganache.lab.requests.points import LARGE, LARGEST_SEED

if TYPE_CHECKING:
    from ganache.types import Prior

MOST = 10_000
"""Pictures of one request."""
WIDEST = 1_000
"""Pictures in a row."""
LONGEST = 2_000
"""Frames of a walk."""

LIMITS: dict[str, tuple[float, float]] = {
    "n": (1, MOST),
    "seed": (0, LARGEST_SEED - MOST),
    "classes": (0, MOST),
    "std": (0, LARGE),
    "stds": (0, LARGE),
    "quantiles": (1, WIDEST),
    "jitter": (0, LARGE),
    "frames": (1, LONGEST),
    "fps": (1, 60),
    "top": (1, MOST),
    "reach": (0, LARGE),
    "k": (1, 100),
    "starts": (1, 256),
    "drawn": (1, MOST),
    "iterations": (1, 100_000),
    "rate": (1e-6, 10),
    "typical": (0, LARGE),
    "ridge": (1e-6, LARGE),
}
"""The least and the most that a field's numbers may be; of others, -LARGE and LARGE."""


class Request:
    """What all requests share: their numbers are numbers, and within LIMITS."""

    def __post_init__(self) -> None:
        for each in fields(self):  # type: ignore[arg-type]
            value = getattr(self, each.name)
            low, high = LIMITS.get(each.name, (-LARGE, LARGE))
            for number in value if isinstance(value, tuple) else (value,):
                if isinstance(number, (int, float)) and not low <= number <= high:  # as no NaN is
                    raise ConfigError(f"{each.name} is {str(number)[:30]}: use a number from {low:g} to {high:g}.")

    def refuse_empty(self, *names: str) -> None:
        """Raise ConfigError where one of these fields holds nothing."""
        for name in names:
            if not getattr(self, name):
                raise ConfigError(f"{name} is empty: give at least one.")

    def refuse_several_classes(self, why: str) -> None:
        """Raise ConfigError where more than one class is given."""
        classes: tuple[int, ...] = getattr(self, "classes", ())
        if len(classes) > 1:
            raise ConfigError(f"{len(classes)} classes are given: {why}.")

    def refuse_long(self, what: str, length: int, most: int) -> None:
        """Raise ConfigError where more is asked for than can be shown."""
        if length > most:
            raise ConfigError(f"{length} {what} are too many: ask for {most} at the most.")


def refuse_classes(classes: tuple[int, ...], prior: Prior) -> None:
    """Raise ConfigError for a class that the generator was not told."""
    wrong = [each for each in classes if not 0 <= each < prior.categories]
    if wrong:
        known = f"0 to {prior.categories - 1}" if prior.categories else "no classes"
        raise ConfigError(f"There is no class {wrong[0]}: this generator was told {known}.")
