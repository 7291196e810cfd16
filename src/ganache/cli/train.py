"""`ganache train`: options and settings -> runs."""

from __future__ import annotations

import argparse
import re
import sys
from dataclasses import dataclass, field, fields, make_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from tyro.conf import FlagConversionOff, Positional, arg

from ganache.cli.compare import compare
from ganache.errors import ConfigError

if TYPE_CHECKING:
    from ganache.config.config import Config

DEFAULT_RECIPE = "faces"


@dataclass(frozen=True)
class TrainOptions:
    """Options that stand for several settings, or for none."""

    data: Positional[str]
    """A folder, a zip, MNIST's IDX files, a .npy array, or a built-in name (faces, digits, ring8, ...)."""
    network: Annotated[str | None, arg(name="network.name")] = None
    """Another network family than the recipe's, with its own defaults."""
    method: Annotated[str | None, arg(name="method.name")] = None
    """Another method than the recipe's, with its own defaults."""
    out: str | None = None
    """The run's folder; by default runs/DATA-RECIPE. A run that is there goes on."""
    seeds: int = 1
    """Train so many runs, of this seed and the following ones; several --recipe names, with commas, do likewise."""
    steps: int | None = None
    """Train for so many generator steps."""
    minutes: float | None = None
    """... or for so many minutes."""
    images: int | None = None
    """... or until so many real pictures have been shown."""
    size: str | None = None
    """Pictures' side (64) or height x width (48x64) in pixels."""
    batch: int | None = None
    """Pictures a batch."""
    force: bool = False
    """Go on with a run although its settings have changed."""


def train(data: Positional[str]) -> None:
    """Train a GAN on pictures, or go on with a run. `ganache train --help` lists every setting."""


def train_command(args: list[str]) -> None:
    """`ganache train`: one run, or one a recipe and seed, and then all of them side by side."""
    plans = parse_train(args)
    folders = [folder_of(options, config, several=len(plans) > 1) for options, config in plans]
    for folder, (options, config) in zip(folders, plans, strict=True):
        if not train_one(folder, config, options.force):
            return
    if len(plans) > 1:
        compare(tuple(map(str, folders)), str(folders[0].parent / "compare.png"))


def train_one(folder: Path, config: Config, force: bool) -> bool:
    """Begin a run, or go on with it; whether it came to the end of its budget."""
    from ganache.cli.progress import drive
    from ganache.runs.run import Run
    from ganache.training.build import dataset

    run = Run.open(folder, config, dataset(config, progress=True), force=force)
    for notice in run.notices:
        print(f"ganache: {notice}", file=sys.stderr)
    return drive(run)


def parse_train(args: list[str]) -> list[tuple[TrainOptions, Config]]:
    """Options and settings, for each recipe and seed: the recipe's, with those of the command line in their place.

    Which settings `--network.*` and `--method.*` there are depends on the recipe and on their names, so these are
    read before the rest.
    """
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for flag in ("--recipe", "--network.name", "--method.name"):
        first.add_argument(flag)
    names, rest = first.parse_known_args(args)
    chosen = {section: {"name": getattr(names, f"{section}.name")} for section in ("network", "method")}
    plans = []
    for recipe in (names.recipe or DEFAULT_RECIPE).split(","):
        options, config = parse_recipe(recipe, {k: v for k, v in chosen.items() if v["name"]}, rest)
        plans += [(options, replace(config, seed=config.seed + k)) for k in range(options.seeds)]
    return plans


def parse_recipe(recipe: str, chosen: dict[str, Any], args: list[str]) -> tuple[TrainOptions, Config]:
    """The options and one recipe's settings, changed by those that were chosen by name and by the arguments."""
    from ganache.config.config import Config, from_dict
    from ganache.config.recipes import read

    base = from_dict(chosen, from_dict(read(recipe).settings))
    given = tyro.cli(parser_type(base), args=args, prog="ganache train", description=train.__doc__)
    options: TrainOptions = given.options
    if options.seeds < 1:
        raise ConfigError(f"--seeds is {options.seeds}: ask for at least 1 run.")
    settings = {each.name: getattr(given.settings, each.name) for each in fields(Config)}
    if settings["data"].source != base.data.source:
        raise ConfigError("The data are named first, without a flag: write  ganache train DATA  without --data.source.")
    settings["data"] = replace(settings["data"], source=options.data, size=options.size or settings["data"].size)
    budget = {name: getattr(options, name) for name in ("steps", "minutes", "images")}
    if any(value is not None for value in budget.values()):
        settings["schedule"] = replace(settings["schedule"], **budget)
    if options.batch is not None:
        settings["schedule"] = replace(settings["schedule"], batch=options.batch)
    return options, Config(**settings)


def parser_type(base: Config) -> type[Any]:
    """A dataclass of the options and of the settings in `base`, with the fields that its network and method have."""
    from ganache.config.config import SPECS

    specs = [(name, type(getattr(base, name)), field(default=getattr(base, name))) for name in SPECS]
    settings: Any = make_dataclass("Settings", specs, bases=(type(base),), frozen=True)
    values = {each.name: getattr(base, each.name) for each in fields(base)}
    flattened: Any = arg(name="")
    return make_dataclass(
        "Train",
        [
            ("options", Annotated[TrainOptions, flattened]),
            ("settings", Annotated[FlagConversionOff[settings], flattened], field(default=settings(**values))),  # type: ignore[misc]
        ],
        frozen=True,
    )


def folder_of(options: TrainOptions, config: Config, several: bool) -> Path:
    """Where a run lies: --out, or runs/DATA-RECIPE; of several, one folder each in --out."""
    if options.out and not several:
        return Path(options.out)
    return Path(options.out or "runs") / default_name(config)


def default_name(config: Config) -> str:
    """DATA-RECIPE, with the seed where it is not 0.

    >>> from ganache.config.config import Config, DataConfig
    >>> default_name(Config("dcgan", 3, data=DataConfig("pictures/my faces.zip")))
    'my-faces-dcgan-seed3'
    """
    source = config.data.source
    data = source.removeprefix("hf:") if source.startswith("hf:") else Path(source).resolve().stem
    seed = f"-seed{config.seed}" if config.seed else ""
    return re.sub(r"[^\w.]+", "-", data).strip("-") + f"-{Path(config.recipe).stem}{seed}"
