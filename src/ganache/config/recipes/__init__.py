"""Recipes: the complete settings of a paper or an article in one TOML file, with its source and every deviation.

A recipe is found by name, among the built-in ones and those that plugins add, or by the path of a TOML file. This
folder imports `core` and `errors`; `config` and everything below it in `docs/house.md` may import it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from ganache.core import old_names
from ganache.core.plugins import plugin_files
from ganache.errors import ConfigError, choices

HEADINGS = ("title", "source", "advice", "deviations")

RECIPES: dict[str, Path | Traversable | str] = {
    file.name.removesuffix(".toml"): file
    for file in sorted(resources.files(__name__).iterdir(), key=lambda file: file.name)
    if file.name.endswith(".toml")
}
"""Name -> TOML file, or TOML text. A plugin adds a recipe by assigning into this dict, or as a file NAME.toml."""


@dataclass(frozen=True)
class Recipe:
    """One recipe. `settings` holds what differs from the defaults of `config.Config`, by section."""

    name: str
    title: str
    source: str
    advice: str
    deviations: tuple[str, ...]
    settings: dict[str, Any]


def names() -> list[str]:
    """Return the names of all recipes, those of plugins included."""
    return sorted(known())


def known() -> Mapping[str, Path | Traversable | str]:
    """Return every recipe by name: RECIPES, and the TOML files that GANACHE_PLUGINS names.

    Raises ConfigError if such a file has the name of another recipe.
    """
    found = dict(RECIPES)
    for path in plugin_files(".toml"):
        if path.stem in found:
            raise ConfigError(f"There is a recipe '{path.stem}' already: rename the plugin {path}.")
        found[path.stem] = path
    return found


def read(name: str) -> Recipe:
    """Return the recipe of this name, or the one in the TOML file at this path (`name` ends in .toml).

    Raises ConfigError if there is no such recipe, or if it is not valid TOML.
    """
    if name.endswith(".toml"):
        source: Path | Traversable | str = Path(name)
        if not Path(name).is_file():
            raise ConfigError(f"There is no recipe file '{name}': give the path of a TOML file, or a recipe's name.")
    else:
        recipes = known()
        if name not in recipes:
            raise ConfigError(f"There is no recipe '{name}': {choices(name, recipes)}")
        source = recipes[name]
    return parse(name, source)


def parse(name: str, source: Path | Traversable | str) -> Recipe:
    """Return the recipe in a TOML file or in TOML text. Raises ConfigError if it is not valid TOML."""
    try:
        content = tomllib.loads(source if isinstance(source, str) else source.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The recipe '{name}' is not TOML: {error}.") from None
    heading = {key: content.pop(key, "") for key in HEADINGS}
    return Recipe(
        name=name,
        title=str(heading["title"]),
        source=str(heading["source"]),
        advice=str(heading["advice"]),
        deviations=tuple(heading["deviations"] or ()),
        settings={"recipe": name} | old_names.settings(content),
    )
