"""Strict conversion of JSON and plain data to dataclasses: the only place that checks names and types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, cast

from ganache.errors import ConfigError, choices

T = TypeVar("T")

LONGEST = 60
"""Characters of a rejected value that an error repeats."""


def parse_json(text: str, what: str) -> Any:
    """Parse `text` as JSON. Raises ConfigError, which names `what` was expected, if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{what} in JSON cannot be read ({error}): {text[:40]!r}.") from None


def build(
    kind: type[T],
    plain: Mapping[str, Any],
    what: str,
    *,
    unknown: str = "A {what} has no '{name}'",
    invalid: str = "The {what}'s {where}",
) -> T:
    """Build the dataclass `kind` from plain data.

    Unknown names are refused, and every value must be of the declared type, without conversions.

    Args:
        kind: The dataclass.
        plain: Its fields by name, as JSON has them.
        what: What errors call it, such as "latent".
        unknown: The beginning of the error for an unknown name.
        invalid: The beginning of the error for a value of another type.

    Raises:
        ConfigError: A name is unknown, or a value has another type than the field.
    """
    from pydantic import ValidationError

    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for name in plain:
        if name not in names:
            raise ConfigError(f"{unknown.format(what=what, name=name)}: {choices(str(name), names)}")
    try:
        return cast(T, adapter(cast(Any, kind)).validate_json(json.dumps(plain), strict=True))
    except ValidationError as error:
        first = error.errors()[0]
        # Without the members of unions, which pydantic names too.
        where = ".".join(str(part) for part in first["loc"] if part in names or isinstance(part, int)) or "content"
        given = repr(first["input"])[:LONGEST]
        raise ConfigError(f"{invalid.format(what=what, where=where)} is {given}: {first['msg']}.") from None


@cache
def adapter(kind: Any) -> Any:
    """Return pydantic's TypeAdapter of a type. Creating one takes longer than using it."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
