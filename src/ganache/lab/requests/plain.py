"""Requests <-> plain data and JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from ganache.core.strict import build, parse_json
from ganache.errors import ConfigError, choices
from ganache.lab.requests.analysis import Along, Dimensions, Directions, Invert, Neighbours, Picture
from ganache.lab.requests.points import Kept, Point, plain
from ganache.lab.requests.request import Request
from ganache.lab.requests.sampling import (
    Arithmetic,
    Average,
    Distribution,
    RealVsFake,
    Sample,
    Traverse,
    Truncation,
    Walk,
)

KINDS: dict[str, type[Request]] = {
    "along": Along,
    "arithmetic": Arithmetic,
    "average": Average,
    "dimensions": Dimensions,
    "directions": Directions,
    "distribution": Distribution,
    "invert": Invert,
    "neighbours": Neighbours,
    "picture": Picture,
    "real-vs-fake": RealVsFake,
    "sample": Sample,
    "traverse": Traverse,
    "truncation": Truncation,
    "walk": Walk,
}


def to_dict(request: Request) -> dict[str, Any]:
    """Plain data, JSON's kinds only; `from_dict` turns it back."""
    (kind,) = [name for name, known in KINDS.items() if type(request) is known]
    values: dict[str, Any] = {}
    for each in fields(request):  # type: ignore[arg-type]
        value = getattr(request, each.name)
        if isinstance(value, tuple):
            value = [plain(item) if isinstance(item, Point) else item for item in value]
        values[each.name] = value
    return {"kind": kind} | values


def from_dict(given: Any) -> Request:
    """The request. Raises ConfigError for an unknown name, a value of the wrong kind, or what cannot be."""
    if not isinstance(given, Mapping) or "kind" not in given:
        raise ConfigError('A request is an object with a "kind", as the commands write it beside a picture.')
    kind = given["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(f"There is no request of kind '{kind}': {choices(str(kind), KINDS)}")
    return build(KINDS[kind], {name: value for name, value in given.items() if name != "kind"}, f"request '{kind}'")


def to_json(request: Request) -> str:
    """As text; `from_json` turns it back."""
    return json.dumps(to_dict(request), indent=2)


def from_json(text: str) -> Request:
    """The request in a text. Raises ConfigError where there is none."""
    return from_dict(parse_json(text, "A request"))


def resolve_names(request: Request, names: Mapping[str, Kept]) -> Request:
    """The request with each name of a latent replaced by what it stands for, so that it means the same for ever."""
    changed = {}
    for each in fields(request):  # type: ignore[arg-type]
        value = getattr(request, each.name)
        if isinstance(value, tuple) and any(isinstance(item, Point) for item in value):
            changed[each.name] = tuple(point.resolved(names) for point in value)
    return replace(request, **changed)  # type: ignore[type-var]
