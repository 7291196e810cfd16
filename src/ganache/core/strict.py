"""Strict conversion of JSON and plain data to dataclasses: the only place that checks names and types."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, cast

from ganache.errors import ConfigError, choices

T = TypeVar("T")

LONGEST = 60
"""Characters of a rejected name or value that an error repeats."""
MOST_ENTRIES = 2**19
"""Numbers and other entries of one record, such as 1,000 latents of 512 numbers: pydantic notes an error for each."""
MOST_ERRORS = 1_000
"""Values of another type in one record; of more, pydantic takes seconds to describe the first."""
LARGEST = 1e39
"""Numbers in files have at most this absolute value: none in float32 is larger, and sums of them do not overflow."""


def parse_json(text: str, what: str) -> Any:
    """Parse `text` as JSON. Raises ConfigError, which names `what` was expected, if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{what} in JSON cannot be read ({error}): {text[:40]!r}.") from None


def read_record(kind: type[T], plain: Any, what: str) -> T:
    """Build the dataclass `kind` from a record in a file; names that `kind` does not have are left out.

    A later version may have written them. Raises ConfigError if `plain` is no object, or a value is of another type.
    """
    if not isinstance(plain, Mapping):
        raise ConfigError(f"The {what} is no JSON object.")
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return build(kind, {name: plain[name] for name in names if name in plain}, what)


def require_bounded(numbers: Iterable[tuple[str, float]]) -> None:
    """Raise ValueError, which names the first, if a number is not finite or is larger than any that ganache writes."""
    for name, number in numbers:
        if not abs(number) <= (2**53 if isinstance(number, int) else LARGEST):  # true for NaN
            raise ValueError(f"'{name[:LONGEST]}' is out of range")


def numbers_of(plain: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield every number in nested dicts with its name, such as `d/real`.

    >>> dict(numbers_of({"step": 1, "d": {"real": 0.5}}))
    {'step': 1, 'd/real': 0.5}
    """
    for name, value in plain.items():
        if isinstance(value, Mapping):
            yield from numbers_of(value, f"{prefix}{name}/")
        elif isinstance(value, int | float):
            yield prefix + name, value


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
        ConfigError: A name is unknown, a value has another type than the field, or there are too many.
    """
    from pydantic import ValidationError

    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    for name in plain:
        if name not in names:
            short = str(name)[:LONGEST]
            raise ConfigError(f"{unknown.format(what=what, name=short)}: {choices(short, names)}")
    try:
        text = json.dumps(plain, default=_refuse)
        if text.count(",") > MOST_ENTRIES:
            raise ConfigError(f"{invalid.format(what=what, where='content')} has more than {MOST_ENTRIES:,} entries.")
        return cast(T, adapter(cast(Any, kind)).validate_json(text, strict=True))
    except RecursionError:
        raise ConfigError(f"{invalid.format(what=what, where='content')} is nested too deeply.") from None
    except _NotPlain as error:
        raise ConfigError(f"{invalid.format(what=what, where='content')} has {error}: write it as text.") from None
    except ValidationError as error:
        if error.error_count() > MOST_ERRORS:
            wrong = f"{invalid.format(what=what, where='content')} has {error.error_count():,} values of another type."
            raise ConfigError(wrong) from None
        first = error.errors()[0]
        # Without the members of unions, which pydantic names too.
        where = ".".join(str(part) for part in first["loc"] if part in names or isinstance(part, int)) or "content"
        given = repr(first["input"])[:LONGEST]
        raise ConfigError(f"{invalid.format(what=what, where=where)} is {given}: {expected(first)}.") from None


class _NotPlain(Exception):
    """A value that JSON does not have, such as a date of TOML."""


def _refuse(value: Any) -> Any:
    raise _NotPlain(f"the {type(value).__name__} {str(value)[:LONGEST]}")


KINDS = {
    "int": "use a whole number",
    "float": "use a number",
    "finite": "use a number that is not infinite",
    "string": "use text",
    "bool": "use true or false",
    "list": "use a list",
    "tuple": "use a list",
    "dict": "use a table of names and values",
    "dataclass": "use a table of names and values",
    "mapping": "use a table of names and values",
    "missing": "give a value",
    "too": "use another number of values",
    "none": "leave it out",
}
"""Beginning of the type of one of pydantic's errors -> what to do, without the names of Python's types."""


def expected(error: Mapping[str, Any]) -> str:
    """Return what one of pydantic's errors asks for.

    >>> expected({"type": "int_type", "msg": "Input should be a valid integer"})
    'use a whole number'
    """
    if error["type"] == "literal_error":
        return f"use {error['ctx']['expected']}"
    return KINDS.get(error["type"].partition("_")[0], str(error["msg"]))


@cache
def adapter(kind: Any) -> Any:
    """Return pydantic's TypeAdapter of a type. Creating one takes longer than using it."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
