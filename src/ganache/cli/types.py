"""How words of the command line become values, and how `--help` shows types and defaults, for all commands."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache, partial
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import tyro
from tyro.conf import arg
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
    StructConstructorSpec,
    StructFieldSpec,
    StructTypeInfo,
)

from ganache.cli.text import shown
from ganache.lab.points import Point, parse_point

METAVARS = {
    "checkpoint": "STEP",
    "data": "DATA",
    "dimension": "DIMENSION",
    "dimensions": "[DIMENSION ...]",
    "file": "FILE",
    "files": "[PICTURE ...]",
    "host": "ADDRESS",
    "html": "FILE",
    "images": "[PICTURE ...]",
    "keep": "NAME",
    "method": "NAME",
    "name": "NAME",
    "names": "[CLAIM ...]",
    "network": "NAME",
    "onnx": "FILE",
    "out": "PATH",
    "recipe": "RECIPE",
    "run": "RUN",
    "runs": "RUN [RUN ...]",
    "second": "RUN",
    "seeds": "[SEED ...]",
    "size": "SIZE",
    "title": "TEXT",
    "vector": "FILE",
    "weights": "FILE",
}
"""How the help calls the value of a parameter of this name, if its type is text."""

REGISTRY = ConstructorRegistry()
"""The rules below, for tyro."""


def described(name: str, kind: Any, default: Any) -> Any:
    """Return a type with what its help says besides the text: a name for the value, and the default if there is one.

    What the type itself says (`arg`) has precedence.
    """
    plain, *given = (kind.__origin__, *kind.__metadata__) if get_origin(kind) is Annotated else (kind,)
    empty = default in (None, "", (), inspect.Parameter.empty)
    hint: Callable[[str], str] | str = "" if empty else "(default: {})".format
    metavar = METAVARS.get(name) if holds_text(plain) else None
    if metavar and default is None and tyro.conf.Positional in given:
        metavar = f"[{metavar}]"
    return Annotated[(plain, arg(metavar=metavar, help_behavior_hint=hint), *given)]  # type: ignore[return-value]


def holds_text(kind: Any) -> bool:
    """Return whether text is a value of a type, or of the types in it."""
    return kind is str or any(map(holds_text, get_args(kind)))


@REGISTRY.struct_rule
def section_rule(info: StructTypeInfo) -> StructConstructorSpec | None:
    """Read the fields of a dataclass; the string below each is its help. Metadata {"option": False} hide a field."""
    if not is_dataclass(info.type) or info.type is Point:
        return None
    hints, found = get_type_hints(info.type, include_extras=True), []
    for each in fields(info.type):
        default = tyro.MISSING_NONPROP if each.default is MISSING else each.default
        default = getattr(info.default, each.name, default)
        kind, text = hints[each.name], partial(section_help, type(default))
        if not is_dataclass(default):
            kind, text = described(each.name, kind, default), partial(field_help, info.type, each.name)
        if not each.metadata.get("option", True):
            kind = Annotated[kind, tyro.conf.Suppress]
        found.append(StructFieldSpec(each.name, kind, default, text))
    return StructConstructorSpec(info.type, tuple(found))


def unwrapped(doc: str) -> str:
    """Return a docstring with one line per paragraph and per argument, so that only the terminal breaks lines.

    >>> unwrapped("One\\n2.\\n\\nArgs:\\n    a: First\\n        second.")
    'One 2.\\n\\nArgs:\\n    a: First second.'
    """
    return re.sub(r"(?<!\n)\n(?: {8,})?(?=\S)", " ", doc).replace("Args: ", "Args:\n    ")


def section_help(kind: Any) -> str | None:
    """Return the help above the fields of a section."""
    return unwrapped(inspect.getdoc(kind) or "")


def field_help(kind: Any, name: str) -> str | None:
    """Return the help of a field."""
    return field_docs(kind).get(name)


@cache
def field_docs(kind: Any) -> dict[str, str]:
    """Return the strings below the fields of a dataclass, by field; nothing if its source cannot be read."""
    docs: dict[str, str] = {}
    for parent in reversed(kind.__mro__[:-1]):
        try:
            (body,) = ast.parse(textwrap.dedent(inspect.getsource(parent))).body
        except (OSError, SyntaxError):
            continue
        assert isinstance(body, ast.ClassDef)
        for statement, following in zip(body.body, body.body[1:], strict=False):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                text = getattr(getattr(following, "value", None), "value", None)
                if isinstance(following, ast.Expr) and isinstance(text, str):
                    docs[statement.target.id] = " ".join(text.split())
    return docs


@REGISTRY.primitive_rule
def number_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Parse a whole number or a number."""
    if info.type not in (int, float):
        return None
    kind, what = info.type, "a whole number" if info.type is int else "a number"

    def parse(words: list[str]) -> Any:
        try:
            return kind(words[0])
        except ValueError:
            raise ValueError(f"{shown(words[0])} is not {what}") from None

    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="N" if kind is int else "NUMBER",
        instance_from_str=parse,
        is_instance=lambda value: isinstance(value, (int, kind)) and not isinstance(value, bool),
        str_from_instance=lambda value: [str(value)],
    )


@REGISTRY.primitive_rule
def text_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[str] | None:
    """Parse text, which needs no name of its type."""
    if info.type is not str:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="TEXT",
        instance_from_str=lambda words: words[0],
        is_instance=lambda value: isinstance(value, str),
        str_from_instance=lambda value: [value],
    )


@REGISTRY.primitive_rule
def optional_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Parse a value or the word None, for a pair twice. The help shows the type of the value only."""
    kinds = [each for each in get_args(info.type) if each is not NoneType]
    if get_origin(info.type) not in (Union, UnionType) or len(kinds) != 1:
        return None
    inner: Any = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(kinds[0], info.markers))
    return PrimitiveConstructorSpec(
        nargs=inner.nargs,
        metavar=inner.metavar,
        instance_from_str=lambda words: None if {*words} == {"None"} else inner.instance_from_str(words),
        is_instance=lambda value: value is None or inner.is_instance(value),
        str_from_instance=lambda value: ["None"] if value is None else inner.str_from_instance(value),
        choices=None if inner.choices is None else (*inner.choices, "None"),
    )


@REGISTRY.primitive_rule
def several_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[tuple[Any, ...]] | None:
    """Parse values of one type, each from one word: any number of them, or as many as the type says."""
    kinds = get_args(info.type)
    is_any = kinds[1:] == (...,)
    if get_origin(info.type) is not tuple or not (is_any or len({*kinds}) == 1):
        return None
    inner: Any = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(kinds[0], info.markers))
    return PrimitiveConstructorSpec(
        nargs="*" if is_any else len(kinds),
        metavar=f"[{inner.metavar} ...]" if is_any else " ".join([inner.metavar] * len(kinds)),
        instance_from_str=lambda words: tuple(inner.instance_from_str([word]) for word in words),
        is_instance=lambda value: isinstance(value, tuple) and all(map(inner.is_instance, value)),
        str_from_instance=lambda value: [word for each in value for word in inner.str_from_instance(each)],
        choices=inner.choices,
    )


@REGISTRY.primitive_rule
def point_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Point] | None:
    """Parse a point from one word: 17, smiling, or 3,17,smiling."""
    if info.type is not Point:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="LATENT",
        instance_from_str=lambda words: parse_point(words[0]),
        is_instance=lambda value: isinstance(value, Point),
        str_from_instance=lambda point: [",".join(map(str, point.parts))],
    )


@REGISTRY.primitive_rule
def one_or_more_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[float | tuple[float, ...]] | None:
    """Parse one or more numbers: one stays a number, several are a tuple."""
    if info.type != float | tuple[float, ...]:
        return None
    several: Any = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(tuple[float, ...], info.markers))

    def parse(words: list[str]) -> float | tuple[float, ...]:
        numbers: tuple[float, ...] = several.instance_from_str(words)
        return numbers[0] if len(numbers) == 1 else numbers

    return PrimitiveConstructorSpec(
        nargs="*",
        metavar=several.metavar,
        instance_from_str=parse,
        is_instance=lambda value: isinstance(value, float | tuple),
        str_from_instance=lambda value: [str(each) for each in (value if isinstance(value, tuple) else (value,))],
    )
