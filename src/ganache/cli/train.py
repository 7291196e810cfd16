"""`ganache train`: options and settings from the command line, and the runs that they describe."""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, make_dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import FlagConversionOff, Positional, arg

from ganache.cli.compare import compare
from ganache.cli.launch import check_shares, launch, launched, train_together
from ganache.cli.parsing import parse_type
from ganache.cli.streams import lasting_streams
from ganache.cli.types import unwrapped
from ganache.core.outputs import refuse_to_replace
from ganache.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from ganache.config.config import Config
    from ganache.training.processes import Processes

DEFAULT_RECIPE = "faces"
FLAGS = ("--force", "--dry-run", "-h", "--help", "--help-all")
"""Options without a value."""
MAX_RUNS = 1_000
"""Runs of one command."""
MAX_PROCESSES = 1_000
MAX_NAME = 60
"""Characters of the data's and the recipe's name in the name of a folder; file systems allow 255 bytes in all."""


@dataclass(frozen=True)
class TrainOptions:
    """Options that set several settings at once, or none."""

    data: Positional[str]
    """A folder, a zip or tar, a file of images (IDX, .npy, .npz, .csv, Parquet), or a name (faces, digits, ...)."""
    from_: Annotated[str | None, arg(name="from")] = None
    """Start from the trained networks of a run (RUN or RUN@STEP), a checkpoint file or a model of the Hugging Face hub
    (hf:owner/name), on these data. Settings are those of that run, unless --recipe is given."""
    network: Annotated[str | None, arg(name="network.name")] = None
    """Use another network family than the recipe, with the defaults of that family."""
    method: Annotated[str | None, arg(name="method.name")] = None
    """Use another method than the recipe, with the defaults of that method."""
    out: Annotated[str | None, arg(aliases=["-o"])] = None
    """Folder of the run; by default runs/DATA-RECIPE, or runs/DATA-from-RUN with --from RUN. A run in it is resumed."""
    seeds: int = 1
    """Train this many runs, with consecutive seeds. Several --recipe names with commas give several runs too."""
    steps: int | None = None
    """Train for this many generator steps."""
    minutes: float | None = None
    """Train for this many minutes."""
    images: int | None = None
    """Train until the critic has seen this many real images, repeats counted."""
    size: str | None = None
    """Side of the images in pixels (64), or height x width (48x64)."""
    batch: int | None = None
    """Images per batch."""
    track: str | None = None
    """Record the run with trackers, too: wandb, trackio, mlflow, tensorboard, or several with commas."""
    force: bool = False
    """Resume the run even if settings have changed."""
    dry_run: bool = False
    """Print the settings, the networks, and what a step costs, and train nothing."""
    processes: int = 1
    """Share each batch among this many processes on this machine, such as one per GPU."""
    workers: int = 1
    """Train this many runs at the same time, where there are several, each in a process of its own."""
    on: str | None = None
    """Train the runs on a Ray cluster: "ray" starts one on this machine, ray://HOST:PORT is one that runs."""
    cores: int | None = None
    """Cores of each run: by default 1 with --on, and an equal share with --workers."""
    gpus: float = 0.0
    """GPUs of each run with --on: 0.5 lets two runs share one."""


@dataclass(frozen=True)
class TrainingRequest:
    """One run that the command line asks for."""

    options: TrainOptions
    config: Config
    recipe: Config
    """The settings of the recipe alone, without those of the command line."""
    asks_flip: bool = False
    """Whether the command line sets data.flip."""


def train(data: Positional[str]) -> None:
    """Train a GAN on images, or resume a run.

    The same command resumes an interrupted run. The defaults below are those of the recipe, and the sections `network`
    and `method` show its network and method: with --recipe, --network.name or --method.name the help shows those of
    the names given. Write None to unset an option, as in --data.size None.
    """


def train_command(args: list[str]) -> None:
    """Run `ganache train`: one run per recipe and seed, one after the other, and a comparison if there are several.

    Whether anybody can read the output makes no difference to the training.
    """
    with lasting_streams():
        requests = parse_train(args)
        options = requests[0].options
        check_places(options)
        if options.dry_run or (options.processes == 1 and not launched()):
            train_requests(requests)
        elif options.processes > 1:
            for request in requests:
                folder = folder_of(options, request.config, several=len(requests) > 1)
                check_shares(folder, request.config, options.processes)
            launch(options.processes, args)
        else:
            train_together(partial(train_requests, requests))


def check_places(options: TrainOptions) -> None:
    """Raise ConfigError for options on where to train that mean nothing, or exclude each other."""
    for name in ("processes", "workers"):
        number = getattr(options, name)
        if not 1 <= number <= MAX_PROCESSES:
            raise ConfigError(f"--{name} is {str(number)[:30]}: use a number from 1 to {MAX_PROCESSES}.")
    several = options.workers > 1 or options.on is not None
    if several and (options.processes > 1 or launched()):
        raise ConfigError(
            "--processes shares the batches of one run, --workers and --on train several runs at a time: leave one out."
        )
    if options.cores is not None and not 1 <= options.cores <= MAX_PROCESSES:
        raise ConfigError(f"--cores is {str(options.cores)[:30]}: use a number from 1 to {MAX_PROCESSES}.")
    if not 0 <= options.gpus <= MAX_PROCESSES:
        raise ConfigError(f"--gpus is {options.gpus:g}: use a share of a GPU, such as 0.5, or a number of GPUs.")
    if (options.cores is not None and not several) or (options.gpus and options.on is None):
        raise ConfigError("--cores belongs to --workers or --on, and --gpus to --on: give one of these, too.")


def train_requests(requests: Sequence[TrainingRequest], processes: Processes | None = None) -> None:
    """Train, or print what would be trained."""
    folders = [folder_of(each.options, each.config, several=len(requests) > 1) for each in requests]
    if requests[0].options.dry_run:
        from ganache.cli.dry_run import print_dry_run

        for _, group in groupby(zip(folders, requests, strict=True), lambda pair: pair[1].recipe):
            of_recipe, (first, *_) = zip(*group, strict=True)  # they differ in their seed alone
            print_dry_run(of_recipe, first.config, first.recipe)
        return
    comparison = folders[0].parent / "compare.png"
    if len(requests) > 1:
        refuse_to_replace(comparison)
    if not train_each(folders, requests, processes):
        return
    if len(requests) > 1:
        compare(tuple(map(str, folders)), str(comparison))


def train_each(folders: Sequence[Path], requests: Sequence[TrainingRequest], processes: Processes | None) -> bool:
    """Train all runs, several at the same time if the options say so; return whether all reached their ends."""
    from ganache.core.cores import usable_cores

    options, pairs = requests[0].options, list(zip(folders, requests, strict=True))
    if options.on is None and options.workers == 1:
        return all(train_one(folder, request, processes) for folder, request in pairs)
    from ganache.cli.several import Order, train_several
    from ganache.core.executors import chosen_executor

    workers = options.workers if options.workers > 1 else None
    cores = options.cores or (1 if options.on else max(1, usable_cores() // options.workers))
    here = str(Path.cwd())
    orders = [Order(str(f), each.config, each.options.force, each.asks_flip, here) for f, each in pairs]
    return train_several(orders, chosen_executor(options.on, workers, cores, options.gpus))


def train_one(folder: Path, request: TrainingRequest, processes: Processes | None) -> bool:
    """Start or resume a run; return whether it reached the end of its budget."""
    from ganache.cli.progress import drive
    from ganache.runs.run import Run
    from ganache.training.processes import ALONE

    run = Run.open(
        folder,
        request.config,
        force=request.options.force,
        progress=True,
        mirror_text=request.asks_flip,
        processes=processes or ALONE,
    )
    for notice in run.notices:
        print(f"ganache: {notice}", file=sys.stderr)
    return drive(run)


def parse_train(args: list[str]) -> list[TrainingRequest]:
    """Return options and settings for each recipe and seed: those of the recipe, overridden by the command line.

    Which settings `--network.*` and `--method.*` exist depends on the recipe and on the names of network and method,
    so these are parsed first.
    """
    if any(word.partition("=")[0] == "--data.source" for word in args):
        raise ConfigError("--data.source was given: name the data without a flag instead, as in  ganache train DATA.")
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for flag in ("--recipe", "--network.name", "--method.name", "--from"):
        first.add_argument(flag)
    try:
        names, rest = first.parse_known_args(args)
    except argparse.ArgumentError as error:
        raise ConfigError(f"{error.argument_name} needs a value: see  ganache train --help") from None
    chosen = {section: {"name": getattr(names, f"{section}.name")} for section in ("network", "method")}
    chosen = {section: named for section, named in chosen.items() if named["name"]}
    requests, source = [], getattr(names, "from")
    if source == "":
        raise ConfigError("--from is empty: name a run, a checkpoint file or hf:owner/name, or leave it out.")
    recipes = [None] if source and not names.recipe else (names.recipe or default_recipe(rest)).split(",")
    for recipe in recipes:
        request = parse_recipe(recipe, chosen, rest, source)
        seeds = range(request.config.seed, request.config.seed + request.options.seeds)
        requests += [replace(request, config=replace(request.config, seed=seed)) for seed in seeds]
    return requests


def default_recipe(args: Sequence[str]) -> str:
    """Return the recipe that is taken if none is named: that of the reader of the data, or DEFAULT_RECIPE."""
    words = words_without_option(args)
    if not words:
        return DEFAULT_RECIPE  # without the import
    from ganache.data.readers import READERS, Source

    own = (
        reader.recipe
        for word in words
        for reader in READERS.values()
        if reader.recipe and reader.opens(Source.named(word))
    )
    return next(own, DEFAULT_RECIPE)


def words_without_option(args: Sequence[str]) -> list[str]:
    """Return the words that are neither an option nor the first value of one; the data are among them.

    >>> words_without_option(["--steps", "3", "faces", "--force"])
    ['faces']
    """
    follows_option = [False, *(word.startswith("-") and "=" not in word and word not in FLAGS for word in args)]
    return [word for word, value in zip(args, follows_option, strict=False) if not value and not word.startswith("-")]


def parse_recipe(
    recipe: str | None, chosen: dict[str, Any], args: list[str], source: str | None = None
) -> TrainingRequest:
    """Return the settings of one recipe with the `chosen` network and method, overridden by the arguments.

    With a `source`, a run or checkpoint, they are those of that run; without a recipe, its training too.
    """
    from ganache.config.config import Config, from_dict, from_recipe

    of_recipe = settings_of_source(source, recipe, args) if source else from_recipe(recipe or DEFAULT_RECIPE)
    base = from_dict(chosen, of_recipe)
    parsed = parse_type(parser_type(base), args, "ganache train", unwrapped(inspect.getdoc(train) or ""))
    options: TrainOptions = parsed.options
    if not 1 <= options.seeds <= MAX_RUNS:
        raise ConfigError(f"--seeds is {str(options.seeds)[:30]}: use a number of runs from 1 to {MAX_RUNS}.")
    settings = {f.name: getattr(parsed.settings, f.name) for f in fields(Config)}
    settings["data"] = replace(settings["data"], source=options.data, size=options.size or settings["data"].size)
    budget = {name: getattr(options, name) for name in ("steps", "minutes", "images")}
    if any(value is not None for value in budget.values()):
        settings["schedule"] = replace(settings["schedule"], **budget)
    if options.batch is not None:
        settings["schedule"] = replace(settings["schedule"], batch=options.batch)
    if options.track is not None:
        settings["record"] = replace(settings["record"], track=tuple(filter(None, options.track.split(","))))
    asks_flip = any(word.partition("=")[0] == "--data.flip" for word in args)
    return TrainingRequest(options, Config(**settings), of_recipe, asks_flip)


def settings_of_source(source: str, recipe: str | None, args: Sequence[str]) -> Config:
    """Return the settings of a run that starts from the model in `source`. Raises CheckpointError if there is none.

    A run of these arguments that has started from it goes on by its own settings, as the model may be gone.
    """
    from ganache.config.sections import StartConfig
    from ganache.runs.folder import at_step, read_config
    from ganache.runs.named import is_named
    from ganache.runs.resume import settings_of
    from ganache.runs.start import Origin, settings_from

    kept = source if is_named(source) else str(Path(source).absolute())
    started, folders = {}, folders_of_source(source, args)
    for folder in folders:
        known = read_config(folder)
        if known and known.get("start", {}).get("source") == kept:
            started[folder] = known
        elif known and folder.absolute() == at_step(kept)[0]:
            raise ConfigError(f"--out is {folder}, the run that --from names: name another folder with --out.")
    if started and folders[0] in started:
        return settings_of(started[folders[0]])
    try:
        return replace(settings_from(Origin.load(source), recipe), start=StartConfig(kept))
    except CheckpointError:
        if len(started) != 1:
            raise
        return settings_of(next(iter(started.values())))


def folders_of_source(source: str, args: Sequence[str]) -> list[Path]:
    """Return the folder of these arguments, as `folder_of` names it, and those of other seeds if none is given.

    Without --seed the seed is that of the run in `source`, which may be gone: the first folder is that of seed 0.
    """
    first = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    first.add_argument("-o", "--out")
    first.add_argument("--seed")
    first.add_argument("--seeds", default="1")
    try:
        found = first.parse_known_args(list(args))[0]
    except argparse.ArgumentError:
        return []  # it is reported where all options are parsed
    if found.out and found.seeds == "1":
        return [Path(found.out)]
    parent, name = Path(found.out or "runs"), name_from((words_without_option(args) or [""])[0], source)
    others = sorted(parent.glob(f"{name}-seed*")) if found.seed is None else []
    return [parent / (name + seed_suffix(found.seed or 0)), *others]


def parser_type(base: Config) -> type[Any]:
    """Return a dataclass of the options and of the settings in `base`, with the fields of its network and method."""
    from ganache.config.config import SPECS

    specs = [(name, type(getattr(base, name)), field(default=getattr(base, name))) for name in SPECS]
    settings: Any = make_dataclass("Settings", specs, bases=(type(base),), frozen=True)
    values = {f.name: getattr(base, f.name) for f in fields(base)}
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
    """Return the run's folder: --out, or runs/DATA-RECIPE, or runs/DATA-from-RUN for one that starts from a model.

    With several runs it is one folder per run inside --out.
    """
    if options.out and not several:
        return Path(options.out)
    return Path(options.out or "runs") / default_name(config)


def default_name(config: Config) -> str:
    """Return DATA-RECIPE, or DATA-from-RUN, with the seed unless it is 0.

    >>> from ganache.config.config import Config, DataConfig
    >>> default_name(Config("dcgan", 3, data=DataConfig("pictures/my faces.zip")))
    'my-faces-dcgan-seed3'
    """
    start = config.start.source
    name = name_from(config.data.source, start) if start else run_name(config.data.source, config.recipe)
    return name + seed_suffix(config.seed)


def seed_suffix(seed: int | str) -> str:
    """Return the end of a run's name: the seed unless it is 0.

    >>> seed_suffix(0), seed_suffix("3")
    ('', '-seed3')
    """
    return "" if str(seed) == "0" else f"-seed{seed}"


def run_name(data: str, recipe: str) -> str:
    """Return DATA-RECIPE."""
    return f"{plain_name(data)}-{Path(recipe).stem[:MAX_NAME]}"


def name_from(data: str, start: str) -> str:
    """Return DATA-from-RUN, for a run that starts from a model.

    >>> name_from("cats.zip", "runs/faces@400"), name_from("cats.zip", "hf:someone/faces")
    ('cats-from-faces-400', 'cats-from-someone-faces')
    """
    return f"{plain_name(data)}-from-{plain_name(start)}"


def plain_name(source: str) -> str:
    """Return the name of data or of a model without its folder and ending, of characters that a folder may have."""
    name = source.removeprefix("hf:") if source.startswith("hf:") else Path(source).resolve().stem
    return re.sub(r"[^\w.]+", "-", name).strip("-.")[:MAX_NAME] or "data"
