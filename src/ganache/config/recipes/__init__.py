"""Recipes: a paper's or an article's full setting in one TOML file, with its source and each deviation named."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ganache.errors import ConfigError, choices

HEADINGS = ("title", "source", "advice", "deviations")


@dataclass(frozen=True)
class Recipe:
    """One recipe. `settings` holds what differs from the defaults of `config.Config`, section by section."""

    name: str
    title: str
    source: str
    advice: str
    deviations: tuple[str, ...]
    settings: dict[str, Any]


def names() -> list[str]:
    """The recipes that come with ganache."""
    files = resources.files(__name__).iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def read(name: str) -> Recipe:
    """The recipe of that name, or in the TOML file of that path. Raises ConfigError where there is none."""
    if name.endswith(".toml"):
        file: Any = Path(name)
        if not file.is_file():
            raise ConfigError(f"There is no recipe file '{name}': give the path of a TOML file, or a recipe's name.")
    elif name in names():
        file = resources.files(__name__) / f"{name}.toml"
    else:
        raise ConfigError(f"There is no recipe '{name}': {choices(name, names())}")
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The recipe file '{name}' is not TOML: {error}.") from None
    heading = {key: content.pop(key, "") for key in HEADINGS}
    return Recipe(
        name=name,
        title=str(heading["title"]),
        source=str(heading["source"]),
        advice=str(heading["advice"]),
        deviations=tuple(heading["deviations"] or ()),
        settings={"recipe": name} | content,
    )
