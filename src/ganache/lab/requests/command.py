"""Requests -> the command lines that make their pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from ganache.lab.requests.plain import KINDS
from ganache.lab.requests.points import Kept, Point, plain
from ganache.lab.requests.request import Request


def command(request: Request, runs: Sequence[str]) -> list[str]:
    """The command line, word by word, without options that say nothing new."""
    (kind,) = [name for name, known in KINDS.items() if type(request) is known]
    words, usual = ["ganache", kind, *runs], type(request)()
    for each in fields(request):  # type: ignore[arg-type]
        value = getattr(request, each.name)
        if value == getattr(usual, each.name):
            continue
        if isinstance(value, bool):
            words.append(f"--{each.name}" if value else f"--no-{each.name}")
            continue
        many = value if isinstance(value, tuple) else (value,)
        words += [f"--{each.name}", *map(word, many)]
    return words


def word(value: Any) -> str:
    """What the command line reads as this value."""
    if not isinstance(value, Point):
        return str(value)
    if any(isinstance(part, Kept) for part in value.parts):
        return json.dumps(plain(value))
    return ",".join(map(str, value.parts))
