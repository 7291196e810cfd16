"""`ganache recipes`: list the recipes, or describe one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tyro.conf import Positional

from ganache.cli.text import command
from ganache.errors import ConfigError

if TYPE_CHECKING:
    from ganache.config.recipes import Recipe


def recipes(name: Positional[str | None] = None) -> None:
    """List the recipes, or describe one: its settings, its source, and how it deviates from the source.

    Args:
        name: The name of a recipe, or the path of a TOML file.
    """
    from ganache.config.recipes import names

    if name is None:
        width = max(map(len, names()))
        for each in names():
            print(f"{each:{width}}  {title(each)}")
        print("\nDescribe one: ganache recipes NAME. Train with one: ganache train DATA --recipe NAME.")
        return
    recipe = checked(name)
    print(f"{recipe.name}: {recipe.title}\n\nSource: {recipe.source}\nGood for: {recipe.advice}\n\nDeviations:")
    for deviation in recipe.deviations:
        print(f"  - {deviation}")
    help_command = command("train", "DATA", "--recipe", name, "--help")
    print(f"\nSettings (all others have their defaults, see `{help_command}`):")
    for section, value in recipe.settings.items():
        if isinstance(value, dict):
            print(f"  [{section}] " + ", ".join(f"{key} = {setting}" for key, setting in value.items()))


def title(name: str) -> str:
    """Return the title of a recipe, or what is wrong with it: one bad file does not hide the others."""
    try:
        return checked(name).title
    except ConfigError as error:
        return f"(cannot be used) {str(error).replace(' cannot be used. ', ': ', 1)}"


def checked(name: str) -> Recipe:
    """Return a recipe. Raises ConfigError if it cannot be used.

    The settings of a built-in recipe are right, and importing what checks them takes a second.
    """
    from ganache.config.recipes import is_built_in, read

    recipe = read(name)
    if not is_built_in(name):
        from ganache.config.config import from_recipe

        from_recipe(name)
    return recipe
