"""The command line: parse, call, print. Everything it does is a few lines of Python too (see `ganache.__init__`).

Heavy imports stand inside the commands, so that `ganache --help` answers at once.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, fields, make_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from tyro.conf import FlagConversionOff, Positional, arg

from ganache.errors import ConfigError, GanacheError

if TYPE_CHECKING:
    from ganache.config import Config


def main(argv: list[str] | None = None) -> None:
    """The entry point. What the user can mend is one sentence on standard error and exit code 2."""
    args = sys.argv[1:] if argv is None else argv
    try:
        if args[:1] == ["train"]:
            train_command(args[1:])
        else:
            commands: dict[str, Callable[..., Any]] = {
                "train": train,
                "sample": sample,
                "compare": compare,
                "doctor": doctor,
                "recipes": recipes,
            }
            tyro.extras.subcommand_cli_from_dict(commands, args=args, prog="ganache", description=INTRODUCTION)
    except GanacheError as error:
        fail(str(error))
    except KeyboardInterrupt:
        print("ganache: interrupted; what was saved is whole: the same command goes on from there.", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader, such as `head`, has gone
    except OSError as error:
        fail(f"The system refused a file ({error}): free some space or give another path; what was saved is whole.")


DEFAULT_RECIPE = "dcgan"
INTRODUCTION = "Train GANs on the machine you have, see whether it works, and explore what the network learned."


def fail(sentence: str) -> None:
    print(f"ganache: {sentence}", file=sys.stderr)
    raise SystemExit(2)


# ---- train -----------------------------------------------------------------------------------------------------------


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
    from ganache.build import dataset
    from ganache.progress import drive
    from ganache.run import Run

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
    from ganache.config import Config, from_dict
    from ganache.recipes import read

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
    from ganache.config import SPECS

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

    >>> from ganache.config import Config, DataConfig
    >>> default_name(Config("dcgan", 3, data=DataConfig("pictures/my faces.zip")))
    'my-faces-dcgan-seed3'
    """
    source = config.data.source
    data = source.removeprefix("hf:") if source.startswith("hf:") else Path(source).resolve().stem
    seed = f"-seed{config.seed}" if config.seed else ""
    return re.sub(r"[^\w.]+", "-", data).strip("-") + f"-{Path(config.recipe).stem}{seed}"


# ---- sample ----------------------------------------------------------------------------------------------------------


def sample(
    run: Positional[str],
    n: Annotated[int, arg(aliases=["-n"])] = 64,
    mean: float = 0.0,
    std: float = 1.0,
    seed: int = 0,
    classes: tuple[int, ...] = (),
    checkpoint: str = "last",
    average: bool = True,
    out: Annotated[str, arg(aliases=["-o"])] = "samples.png",
) -> None:
    """Make new pictures with a trained generator.

    Args:
        run: The run's folder.
        n: How many pictures.
        mean: The mean of the latents.
        std: Their spread; below 1 gives more typical pictures, above 1 more unusual ones.
        seed: The seed of the first picture; the next has the next seed.
        classes: Which classes to make, in turn (--classes 7 for sevens), where the generator was told classes.
        checkpoint: A step, or last, or best (the one whose pictures were nearest to real ones).
        average: Whether the averaged generator makes them, where the run kept one.
        out: The picture file to write.
    """
    if n < 1:
        raise ConfigError(f"-n is {n}: ask for at least 1 picture.")
    if not (math.isfinite(mean) and math.isfinite(std) and std >= 0):
        raise ConfigError(f"--mean is {mean} and --std is {std}: they must be finite, and --std must not be negative.")
    refuse_unless_picture(out)
    from ganache import build
    from ganache.checkpoint import load_generator
    from ganache.explore import Sample, render
    from ganache.figures import picture
    from ganache.folder import find_checkpoint

    path = find_checkpoint(run, checkpoint)
    generator, config, header = load_generator(path, average)
    z = Sample(n, mean, std, seed, classes).latents(build.prior(config))
    picture(render(generator, z)).save(out)
    print(f"{out}: {n} pictures from step {header['step']}, latents of mean {mean:g} and std {std:g}, seed {seed}.")


# ---- compare ---------------------------------------------------------------------------------------------------------


def compare(runs: Positional[tuple[str, ...]], out: Annotated[str, arg(aliases=["-o"])] = "compare.png") -> None:
    """Put several runs side by side: a table, and a figure of their pictures and estimates.

    Args:
        runs: The runs' folders; those that differ only in their seed are one row.
        out: The picture file to write.
    """
    if not runs:
        raise ConfigError("No run was named: write  ganache compare RUN RUN ...")
    refuse_unless_picture(out)
    from ganache.compare import panels, rows, table
    from ganache.figures import comparison

    compared = rows(runs)
    print(table(compared))
    comparison(panels(compared), Path(out))
    print(f"Figure: {out}")


def refuse_unless_picture(out: str) -> None:
    from PIL import Image

    if Path(out).suffix.lower() not in Image.registered_extensions():
        raise ConfigError(f"The picture's name is '{out}': end it in .png, .webp or .jpg.")


# ---- doctor and recipes ----------------------------------------------------------------------------------------------


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
    from ganache.data import diagnose
    from ganache.sections import DataConfig

    wanted = DataConfig(source=data, size=size, fit=fit)
    diagnosis = diagnose(data, size=wanted.height_width(), fit=fit, progress=not json)
    print(diagnosis.to_json() if json else diagnosis.describe())


def recipes(name: Positional[str | None] = None) -> None:
    """List the recipes, or tell all of one: its settings, its source, and where it deviates.

    Args:
        name: A recipe's name, or the path of a TOML file.
    """
    from ganache.recipes import names, read

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
