"""JSON -> dataclasses, strictly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, cast

from ganache.errors import ConfigError, choices

T = TypeVar("T")


def parse_json(text: str, what: str) -> Any:
    """JSON as plain data. Raises ConfigError where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{what} in JSON cannot be read ({error}): {text[:40]!r}.") from None


def build(kind: type[T], plain: Mapping[str, Any], what: str) -> T:
    """The dataclass `kind` from plain data: no unknown names, every value of the declared kind, or a ConfigError."""
    from pydantic import ValidationError

    names = [each.name for each in fields(kind)]  # type: ignore[arg-type]
    for name in plain:
        if name not in names:
            raise ConfigError(f"A {what} has no '{name}': {choices(str(name), names)}")
    try:
        return cast(T, adapter(cast(Any, kind)).validate_json(json.dumps(plain), strict=True))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part in names or isinstance(part, int)) or "content"
        raise ConfigError(f"The {what}'s {where} is {str(first['input'])[:60]!r}: {first['msg']}.") from None


@cache
def adapter(kind: Any) -> Any:
    """The TypeAdapter of a kind; making one takes longer than using it."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
