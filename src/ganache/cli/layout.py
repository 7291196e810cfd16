"""Text for terminals of any width: paragraphs, columns of names and texts, and the overview of all commands."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

WIDEST, NARROWEST = 100, 30
"""Columns that a text has at most and at least."""

AT_SPACES: Any = {"break_long_words": False, "break_on_hyphens": False}

INTRODUCTION = "ganache trains GANs, shows whether it works, and explores what was learned."

FIRST_COMMANDS = (
    ("ganache train faces --minutes 5", "train on drawn faces, or on a folder or zip"),
    ("ganache watch runs/faces-faces", "see it learn in a browser"),
    ("ganache explore runs/faces-faces", "change what it draws, with sliders"),
)

GROUPS = {
    "train": ("train", "recipes", "doctor"),
    "look": ("learn", "watch", "sample", "walk", "picture"),
    "judge": ("diagnose", "report", "evaluate", "compare", "neighbours", "real-vs-fake", "claims"),
    "explore": (
        *("explore", "directions", "dimensions", "arithmetic", "invert", "traverse", "along", "average", "truncation"),
        *("mixing", "distribution", "name", "article"),
    ),
    "share": ("export", "push", "convert", "render"),
}
"""Group -> its commands. Commands that are in no group, those of plugins, join `explore`."""

CLOSING = "More: ganache --help, ganache COMMAND --help, ganache --version."


def columns() -> int:
    """Return how many columns a text may have on this terminal."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size().columns))


def wrapped(text: str) -> str:
    """Return a text, one line per paragraph, with its lines broken between words."""
    return "\n".join(textwrap.fill(line, columns(), **AT_SPACES) for line in text.split("\n"))


def in_columns(rows: Iterable[tuple[str, str]], width: int) -> list[str]:
    """Return a line for each (name, text), with the texts in a column that begins at `width`.

    A long name, or a narrow terminal, moves the text to the next line.
    """
    lines, most = [], columns()
    for name, text in rows:
        indent = width if most - width >= NARROWEST else 6
        first = f"  {name}".ljust(indent)
        if len(first) > indent or indent != width:
            lines.append(first.rstrip())
            first = " " * indent
        lines += textwrap.wrap(text, most, initial_indent=first, subsequent_indent=" " * indent, **AT_SPACES)
    return lines


def grouped(known: Sequence[str]) -> dict[str, list[str]]:
    """Return the known commands by group."""
    in_no_group = [name for name in known if not any(name in names for names in GROUPS.values())]
    found = {group: [name for name in names if name in known] for group, names in GROUPS.items()}
    found["explore"] += in_no_group
    return found


def overview(known: Sequence[str]) -> str:
    """Return the text of `ganache` alone."""
    groups = [
        (group, textwrap.shorten(", ".join(names), max(20, columns() - 11), placeholder=" ..."))
        for group, names in grouped(known).items()
    ]
    parts = [in_columns(FIRST_COMMANDS, 36), in_columns(groups, 11)]
    return "\n\n".join([wrapped(INTRODUCTION), *map("\n".join, parts), wrapped(CLOSING)])


def listing(sentences: Mapping[str, str]) -> str:
    """Return the text of `ganache --help`: all commands by group, each with its sentence."""
    width = max(map(len, sentences)) + 4
    parts = ["usage: ganache COMMAND ...", wrapped(INTRODUCTION)]
    for group, names in grouped(list(sentences)).items():
        parts.append("\n".join([f"{group}:", *in_columns([(name, sentences[name]) for name in names], width)]))
    closing = CLOSING.replace("ganache --help, ", "").replace(
        "ganache --v", "ganache --install-completion, ganache --v"
    )
    return "\n\n".join([*parts, wrapped(closing)])
