"""The settings of runs: what they came to, what differs, and all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from ganache.config.config import from_dict, to_dict
from ganache.config.recipes import read
from ganache.errors import GanacheError
from ganache.figures.page import duration, table
from ganache.output.report.chips import chips
from ganache.output.report.reading import RunSummary

OF_THE_FOLDER = ("data_fingerprint", "recipe")
"""What stands in `config.json` and is no setting."""


def overview(runs: Sequence[RunSummary]) -> str:
    """What each run is, in a few lines."""
    every = [summary(run) for run in runs]
    return table(["", *chips(runs)], [[what, *(escape(each[what]) for each in every)] for what in every[0]], "overview")


def summary(run: RunSummary) -> dict[str, str]:
    """Plain text, line by line."""
    config, lines = run.config, run.lines
    last: Mapping[str, Any] = lines[-1] if lines else {"step": 0, "images": 0, "seconds": 0.0}
    scores = {run.headers[path]["step"]: run.headers[path].get("score") for path in run.headers}
    known = {step: score for step, score in scores.items() if score is not None}
    best = min(known, key=lambda step: known[step]) if known else None
    return {
        "recipe": config.get("recipe") or "none",
        "data": config["data"]["source"],
        "network and method": f"{config['network']['name']}, {config['method']['name']}",
        "seed": str(config["seed"]),
        "trained": f"{last['step']:,} steps of {config['schedule']['batch']} pictures, {last['images']:,} shown, "
        f"in {duration(last['seconds'])}",
        "distance to the real pictures": "no checkpoint has a score yet"
        if best is None
        else f"{known[max(known)]:.1f} at the last checkpoint; best {known[best]:.1f} at step {best:,}",
    }


def settings(runs: Sequence[RunSummary]) -> str:
    """Of one run what was changed from its recipe, of several what differs between them; and then everything."""
    every = [dict(rows({k: v for k, v in run.config.items() if k not in OF_THE_FOLDER})) for run in runs]
    names = list(dict.fromkeys(name for each in every for name in each))
    if len(runs) > 1:
        first = "What differs between the runs"
        chosen = [name for name in names if len({each.get(name) for each in every}) > 1]
        none = "The runs have the same settings."
    else:
        usual = of_recipe(runs[0].config.get("recipe", ""))
        first = f"Changed from the recipe {runs[0].config.get('recipe')}"
        chosen = [] if usual is None else [name for name in names if every[0][name] != usual.get(name)]
        none = "Every setting is the recipe's." if usual else "The run began from no recipe that is there."
    said = listed(runs, every, chosen) if chosen else f"<p>{none}</p>"
    heading = f"<h3>{escape(first)}</h3>\n" if chosen else ""
    whole = listed(runs, every, names)
    return f"{heading}{said}\n<details><summary>All {len(names)} settings</summary>\n{whole}\n</details>"


def listed(runs: Sequence[RunSummary], every: Sequence[Mapping[str, str]], names: Sequence[str]) -> str:
    cells = [[f"<code>{escape(name)}</code>", *(escape(each.get(name, "–")) for each in every)] for name in names]
    return table(["setting", *chips(runs)], cells)


def rows(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(a setting's name, its value in words), as the command line names them."""
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from rows(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", " ".join(map(str, value)) if isinstance(value, list) else str(value)


def of_recipe(name: str) -> dict[str, str] | None:
    """The settings of a recipe; None where there is none of that name any more."""
    try:
        return dict(rows(to_dict(from_dict(read(name).settings))))
    except GanacheError:
        return None
