"""Recipes: the complete settings of a paper or an article in one TOML file, with its source and every deviation.

A recipe is found by name, among the built-in ones and those that plugins add, or by the path of a TOML file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from ganache.core import old_names, storage
from ganache.core.plugins import plugin_files
from ganache.core.strict import build
from ganache.core.table import Entry, Table, choices_or_plugin
from ganache.errors import ConfigError

RECIPES: Table[Path | Traversable | str] = Table(
    Entry("RECIPES", "recipe", (Path, str), instance=True),
    {
        file.name.removesuffix(".toml"): file
        for file in sorted(resources.files(__name__).iterdir(), key=lambda file: file.name)
        if file.name.endswith(".toml")
    },
)
"""Name -> TOML file, or TOML text. A plugin adds a recipe by assigning into this table, or as a file NAME.toml."""

OTHERS = ("seed", "device")
"""Settings of `config.Config` outside all sections; all other settings of a recipe are in tables."""

MAX_BYTES, LONGEST_LINE = 2**17, 2**12
"""Bytes of a recipe's file, and characters of a line: some long lines take TOML's parser minutes."""


@dataclass(frozen=True)
class Heading:
    """What a recipe says about itself, before its settings."""

    title: str = ""
    source: str = ""
    advice: str = ""
    deviations: tuple[str, ...] = ()
    good_after: int | None = None
    """Steps after which one sees what the pictures show, of 8,000 anime faces; None if nobody has looked."""


@dataclass(frozen=True)
class Recipe(Heading):
    """One recipe. `settings` holds what differs from the defaults of `config.Config`, by section."""

    name: str = ""
    where: str = ""
    """The name, and the file if there is one, as errors show them."""
    settings: dict[str, Any] = field(default_factory=dict)


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


def is_built_in(name: str) -> bool:
    """Whether a recipe of this name comes with ganache."""
    return resources.files(__name__).joinpath(f"{name}.toml").is_file()


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
            raise ConfigError(f"There is no recipe '{name}': {choices_or_plugin(name, recipes)}")
        source = recipes[name]
    return parse(name, source)


def text_of(source: Path | Traversable) -> str:
    """Return the text of a recipe's file. Raises OSError, or ValueError if it is not UTF-8."""
    if isinstance(source, Path):
        return storage.read_text(source, MAX_BYTES, follow=True)
    return source.read_text(encoding="utf-8-sig")


def parse(name: str, source: Path | Traversable | str) -> Recipe:
    """Return the recipe in a TOML file or in TOML text.

    Raises ConfigError if it cannot be read, is not TOML, or has an unknown heading or one of another type.
    """
    where = f"'{name}'" if isinstance(source, str) or str(source) == name else f"'{name}' ({source})"
    try:
        text = source if isinstance(source, str) else text_of(source)
        if max(map(len, text.splitlines()), default=0) > LONGEST_LINE:
            raise ConfigError(f"The recipe {where} has a line of more than {LONGEST_LINE:,} characters: break it.")
        content = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"The recipe {where} cannot be read ({error.strerror}): check its path.") from None
    except RecursionError:
        raise ConfigError(f"The recipe {where} is nested too deeply: a setting is in one table.") from None
    except ValueError as error:  # of TOML's syntax, or of a number with thousands of digits
        raise ConfigError(f"The recipe {where} is not TOML: {error}.") from None
    outside = {key: value for key, value in content.items() if not isinstance(value, dict)}
    heading = {key: value for key, value in outside.items() if key not in OTHERS}
    settings = {key: value for key, value in content.items() if key not in heading}
    for key in [each.name for each in fields(Heading) if each.name in settings]:
        heading[key] = settings.pop(key)
    checked = build(
        Heading,
        heading,
        where,
        unknown="The recipe {what} has '{name}' outside all sections",
        invalid="The recipe {what}: {where}",
    )
    return Recipe(**asdict(checked), name=name, where=where, settings={"recipe": name} | old_names.settings(settings))
