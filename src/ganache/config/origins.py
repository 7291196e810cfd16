"""Where each setting comes from: the recipe or the command line. Used by `ganache train --dry-run`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ganache.config.config import SPECS, Config, name_of


@dataclass(frozen=True)
class Origin:
    """One setting that differs from its default."""

    name: str
    """`section.field`."""
    value: Any
    default: Any
    source: str
    """"recipe NAME" or "command line"."""


def origins(config: Config, recipe: Config) -> list[Origin]:
    """Return the settings of `config` that differ from the defaults.

    `recipe` holds the settings of the recipe alone. Fields of `network` and `method` are compared with the defaults
    of the chosen network or method.
    """
    values, defaults, from_recipe = flat(config), default_values(config), flat(recipe)
    return [
        Origin(
            name,
            value,
            defaults.get(name),
            f"recipe {config.recipe}" if from_recipe.get(name, UNSET) == value else "command line",
        )
        for name, value in values.items()
        if name != "recipe" and value != defaults.get(name, UNSET)
    ]


UNSET = object()
"""Equal to no value of a setting."""


def flat(config: Config) -> dict[str, Any]:
    """Return every setting as `section.field`, the names of network and method included."""
    values: dict[str, Any] = {}
    for name, value in asdict(config).items():  # type: ignore[call-overload]
        if name in SPECS:
            values[f"{name}.name"] = name_of(name, getattr(config, name))
        if isinstance(value, dict):
            values |= {f"{name}.{key}": each for key, each in value.items()}
        else:
            values[name] = value
    return values


def default_values(config: Config) -> dict[str, Any]:
    """Return the default of every setting of `config`, of its network and its method too."""
    defaults = flat(Config())
    for section in SPECS:
        spec = getattr(config, section)
        defaults |= {f"{section}.{name}": value for name, value in asdict(type(spec)()).items()}
    return defaults
