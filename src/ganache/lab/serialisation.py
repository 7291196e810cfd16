"""Requests as plain data, as JSON and as command lines.

to_json(Traverse(dimension=28))             {"kind": "traverse", "dimension": 28, ...}
from_json(text)                             Traverse(dimension=28)
command(Traverse(dimension=28), ["runs/a"]) ["ganache", "traverse", "runs/a", "--dimension", "28"]
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from ganache.core.strict import build, parse_json
from ganache.core.table import choices_or_plugin
from ganache.errors import ConfigError
from ganache.lab.experiment import Experiment
from ganache.lab.experiments import EXPERIMENTS
from ganache.lab.points import Kept, Point, point_to_json


def name_of(request: Experiment) -> str:
    """Return the name of the request's experiment. Raises ConfigError if it is not in EXPERIMENTS."""
    for name, experiment in EXPERIMENTS.items():
        if type(request) is experiment:
            return name
    kind = type(request).__name__
    raise ConfigError(f"The experiment {kind} is not in EXPERIMENTS: add it with  EXPERIMENTS[NAME] = {kind}")


def to_dict(request: Experiment) -> dict[str, Any]:
    """Convert a request to JSON data; `from_dict` is the inverse."""
    values: dict[str, Any] = {}
    for each in fields(request):  # type: ignore[arg-type]
        value = getattr(request, each.name)
        if isinstance(value, tuple):
            value = [point_to_json(item) if isinstance(item, Point) else item for item in value]
        values[each.name] = point_to_json(value) if isinstance(value, Point) else value
    return {"kind": name_of(request)} | values


def from_dict(plain: Any) -> Experiment:
    """Convert JSON data to a request. Raises ConfigError for an unknown name, or an invalid value."""
    if not isinstance(plain, Mapping) or "kind" not in plain:
        raise ConfigError('A request must be an object with a "kind", as commands write it next to a figure.')
    kind = plain["kind"]
    if not isinstance(kind, str) or kind not in EXPERIMENTS:
        raise ConfigError(f"There is no request of kind '{kind}': {choices_or_plugin(str(kind), EXPERIMENTS)}")
    values = {name: value for name, value in plain.items() if name != "kind"}
    return build(EXPERIMENTS[kind], values, f"request '{kind}'")


def to_json(request: Experiment) -> str:
    """Convert a request to JSON text; `from_json` is the inverse."""
    return json.dumps(to_dict(request), indent=2)


def from_json(text: str) -> Experiment:
    """Parse a request from JSON text. Raises ConfigError if it is not a request."""
    return from_dict(parse_json(text, "A request"))


def resolve_names(request: Experiment, names: Mapping[str, Kept]) -> Experiment:
    """Return the request with the names of latents replaced by their values, so that its meaning never changes.

    Raises ConfigError for an unknown name.
    """
    changed: dict[str, Any] = {}
    for each in fields(request):  # type: ignore[arg-type]
        value = getattr(request, each.name)
        if isinstance(value, Point):
            changed[each.name] = value.resolved(names)
        elif isinstance(value, tuple) and any(isinstance(item, Point) for item in value):
            changed[each.name] = tuple(point.resolved(names) for point in value)
    return replace(request, **changed)  # type: ignore[type-var]


def points_of(request: Experiment) -> list[Point]:
    """Return all points in the fields of a request."""
    values = (value if isinstance(value, tuple) else (value,) for value in vars(request).values())
    return [item for value in values for item in value if isinstance(item, Point)]


def command(request: Experiment, runs: Sequence[str]) -> list[str]:
    """Return the words of the command that makes the request's figure, without options that have their default."""
    words, default = ["ganache", name_of(request), *runs], type(request)()
    for each in fields(request):  # type: ignore[arg-type]
        value = getattr(request, each.name)
        if value == getattr(default, each.name):
            continue
        option = each.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{option}" if value else f"--no-{option}")
            continue
        words += [f"--{option}", *map(to_word, value if isinstance(value, tuple) else (value,))]
    return words


def to_word(value: Any) -> str:
    """Return a value as the command line reads it."""
    if not isinstance(value, Point):
        return str(value)
    if any(isinstance(part, Kept) for part in value.parts):
        return json.dumps(point_to_json(value))
    return ",".join(map(str, value.parts))
