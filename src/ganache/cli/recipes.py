"""`ganache doctor` and `ganache recipes`: what there is to know before a run."""

from __future__ import annotations

from typing import Literal

from tyro.conf import Positional


def doctor(
    data: Positional[str],
    size: str | None = None,
    fit: Literal["crop", "pad", "stretch"] = "crop",
    json: bool = False,
) -> None:
    """Look at every picture before training: what is usable, what is not and why, what is there twice.

    Args:
        data: What `ganache train` would be given.
        size: Pictures' side (64) or height x width (48x64) in pixels.
        fit: How a picture of another shape is made to fit.
        json: Print JSON.
    """
    from ganache.config.sections import DataConfig
    from ganache.data import diagnose

    wanted = DataConfig(source=data, size=size, fit=fit)
    diagnosis = diagnose(data, size=wanted.height_width(), fit=fit, progress=not json)
    print(diagnosis.to_json() if json else diagnosis.describe())


def recipes(name: Positional[str | None] = None) -> None:
    """List the recipes, or tell all of one: its settings, its source, and where it deviates.

    Args:
        name: A recipe's name, or the path of a TOML file.
    """
    from ganache.config.recipes import names, read

    if name is None:
        width = max(map(len, names()))
        for each in names():
            print(f"{each:{width}}  {read(each).title}")
        print("\nOne in full: ganache recipes NAME. To train: ganache train DATA --recipe NAME.")
        return
    recipe = read(name)
    print(f"{recipe.name}: {recipe.title}\n\nSource: {recipe.source}\nGood for: {recipe.advice}\n\nDeviations:")
    for deviation in recipe.deviations:
        print(f"  - {deviation}")
    print("\nSettings (the rest are the defaults, see `ganache train --help`):")
    for section, value in recipe.settings.items():
        if isinstance(value, dict):
            print(f"  [{section}] " + ", ".join(f"{key} = {setting}" for key, setting in value.items()))
