"""The settings of the runs: an overview, what differs, and all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganache.config.config import from_recipe, to_dict
from ganache.errors import GanacheError
from ganache.figures.page import duration, score_words
from ganache.output.report.summary import RunSummary
from ganache.output.same_data import data_name

NOT_SETTINGS = ("data_fingerprint", "data_paths", "recipe")
"""Entries of `config.json` that are not settings."""

Rows = list[tuple[str, list[str]]]
"""(name, a value per run) per row of a table."""


@dataclass(frozen=True)
class Settings:
    """What the section shows."""

    heading: str
    """What the chosen settings are."""
    chosen: Rows
    """For several runs the settings that differ, for one run those that were changed from its recipe."""
    empty: str
    """The sentence that stands there if no setting was chosen."""
    every: Rows


def overview(runs: Sequence[RunSummary]) -> Rows:
    """Describe each run in a few lines."""
    summaries = [describe(run) for run in runs]
    return [(name, [summary[name] for summary in summaries]) for name in summaries[0]]


def describe(run: RunSummary) -> dict[str, str]:
    """Describe one run."""
    config, last = run.config, end(run)
    scores = {run.headers[path]["step"]: run.headers[path].get("score") for path in run.headers}
    known = {step: score for step, score in scores.items() if score is not None}
    best = min(known, key=lambda step: known[step]) if known else None
    return {
        "recipe": config.get("recipe") or "none",
        "data": data_name(config, run.image_shape),
        "network and method": f"{config['network']['name']}, {config['method']['name']}",
        "seed": str(config["seed"]),
        "trained": f"{last['step']:,} steps of {config['schedule']['batch']} pictures, {last['images']:,} shown, "
        "in " + duration(last["seconds"]).replace(" ", "\xa0"),
        "distance to the real pictures": "no checkpoint has a score yet"
        if best is None
        else f"{score_words(known[max(known)])} at the last checkpoint; "
        f"best {score_words(known[best])} at step {best:,}",
    }


def end(run: RunSummary) -> Mapping[str, Any]:
    """Return the step, images and seconds of the end of a run: that of its log or, where one is later, a checkpoint."""
    batch = run.config["schedule"]["batch"]
    saved = [header | {"images": header["batch_index"] * batch} for header in run.headers.values()]
    nothing: Mapping[str, Any] = {"step": 0, "images": 0, "seconds": 0.0}
    return max([nothing, *run.lines[-1:], *saved], key=lambda each: each["step"])


def compare_settings(runs: Sequence[RunSummary]) -> Settings:
    """Find the settings that differ between runs or, for one run, from its recipe."""
    settings = [dict(flatten({k: v for k, v in run.config.items() if k not in NOT_SETTINGS})) for run in runs]
    names = list(dict.fromkeys(name for values in settings for name in values))
    if len(runs) > 1:
        heading, empty = "Settings that differ between the runs", "The runs have the same settings."
        chosen = [name for name in names if len({values.get(name) for values in settings}) > 1]
    else:
        recipe = runs[0].config.get("recipe", "")
        defaults = recipe_settings(recipe)
        heading = f"Changed from the recipe {recipe}"
        chosen = [] if defaults is None else [name for name in names if settings[0][name] != defaults.get(name)]
        empty = "All settings are those of the recipe." if defaults else "The run began without a recipe that is known."

    def rows(wanted: Sequence[str]) -> Rows:
        return [(name, [values.get(name, "–") for values in settings]) for name in wanted]

    return Settings(heading, rows(chosen), empty, rows(names))


def flatten(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield (name, value as text) per setting, named as on the command line: `section.field`."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", " ".join(map(str, value)) if isinstance(value, list) else str(value)


def recipe_settings(name: str) -> dict[str, str] | None:
    """Return the settings of a recipe by name; None if there is no such recipe."""
    try:
        return dict(flatten(to_dict(from_recipe(name))))
    except GanacheError:
        return None
