"""`ganache train --help`: the options that matter, with what a run takes without them. PyTorch is not imported."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ganache.cli.layout import in_columns, wrapped
from ganache.cli.train import default_recipe, run_name, words_without_option

INTRODUCTION = (
    "Train a GAN on pictures or points, or resume a run: the same command goes on with an interrupted one.",
    "DATA is a folder, a zip or tar, a file of images (IDX, .npy, .npz, .csv, Parquet), or a name: faces"
    " (drawn), digits, ring8 and others.",
)
CLOSING = "All options, those of networks, losses and optimisers too: ganache train --help-all."
COLUMN = 24
"""Where the texts begin."""


def short_help(args: Sequence[str]) -> str:
    """Return the help for `ganache train` with these words: DATA and --recipe decide what is taken by default.

    Raises ConfigError if there is no such recipe.
    """
    recipe = named_recipe(args) or default_recipe(args)
    data = next(iter(words_without_option(args)), "DATA")
    heading = f"Options, and what is taken if one is not given (data {data}, recipe {recipe}):"
    intro = "\n\n".join(map(wrapped, ("usage: ganache train DATA [OPTIONS]", *INTRODUCTION)))
    lines = in_columns(option_rows(data, recipe), COLUMN)
    return "\n\n".join([intro, "\n".join([wrapped(heading), *lines]), wrapped(CLOSING)])


def named_recipe(args: Sequence[str]) -> str | None:
    """Return the value of --recipe, the first of several."""
    following = dict(pairwise(args)).get("--recipe")
    joined = [word.partition("=")[2] for word in args if word.startswith("--recipe=")]
    return (joined[-1] if joined else following or "").partition(",")[0] or None


def option_rows(data: str, recipe: str) -> list[tuple[str, str]]:
    """Return (option, its help with the default of the recipe) for each option."""
    from ganache.config.recipes import read
    from ganache.config.sections import DataConfig, ScheduleConfig

    settings = read(recipe).settings

    def value(section: str, name: str, default: Any) -> Any:
        return settings.get(section, {}).get(name, default)

    size = value("data", "size", None)
    default_size = f"{size} with this recipe" if size else "the size that all pictures share"
    flip = value("data", "flip", DataConfig.flip)
    mirrored = "True, unless the pictures know left from right" if flip else "False"
    limits = {name: value("schedule", name, None) for name in ("steps", "minutes", "images")}
    budget = {name: f"{amount:,} if no other limit is given" for name, amount in limits.items() if amount}
    budget = budget or {"steps": "no limit; Ctrl-C stops and saves"}
    rows = (
        ("--recipe RECIPE", "The settings to start from; ganache recipes lists them.", recipe),
        ("--minutes NUMBER", "Stop after this many minutes of training.", budget.get("minutes", "")),
        ("--steps N", "Stop after this many steps of the generator.", budget.get("steps", "")),
        (
            "--images N",
            "Stop when this many real images were shown; an epoch of 5,000 pictures is 5000.",
            budget.get("images", ""),
        ),
        ("--size SIZE", "Side of the images in pixels (64), or height x width (48x64).", default_size),
        ("--batch N", "Images per batch.", value("schedule", "batch", ScheduleConfig.batch)),
        ("--data.flip BOOL", "Mirror half of the images: True or False.", mirrored),
        ("--data.classes N", "Number of classes that can be chosen when sampling.", "0, which ignores labels"),
        ("--method.name NAME", "The loss: gan, wgan-gp, r3gan, ...", value("method", "name", "gan")),
        ("--device NAME", "auto, cpu, cuda or mps.", "auto, a GPU if there is one"),
        ("--seed N", "Seed of all random numbers: equal seeds give equal runs.", settings.get("seed", 0)),
        ("--seeds N", "Train this many runs, with consecutive seeds, and compare them.", 1),
        ("-o, --out PATH", "Folder of the run; a run in it is resumed.", f"runs/{run_name(data, recipe)}"),
        ("--track NAME", "Record the run with wandb, trackio, mlflow or tensorboard, too; several with commas.", ""),
        ("--dry-run", "Print settings, networks and cost, and train nothing.", ""),
        ("--force", "Resume although settings have changed.", ""),
    )
    of_points = settings.get("network", {}).get("name") == "mlp" and not size
    hidden = ("--size SIZE", "--data.flip BOOL") if of_points else ()
    return [
        (option, text + (f" Default: {default}." if default != "" else ""))
        for option, text, default in rows
        if option not in hidden
    ]
