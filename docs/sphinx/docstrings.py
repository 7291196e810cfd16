"""Docstrings, written as Markdown of one kind of span, as the reStructuredText that autodoc reads."""

from __future__ import annotations

import re
from typing import Any

from sphinx.ext.napoleon import Config, GoogleDocstring

SPAN = re.compile(r"(`[^`]+`|\$[^$]+\$)")


def as_restructured_text(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Convert the lines of a docstring in place; examples (`>>>`) stay as they are."""
    paragraphs = re.split(r"(\n\s*\n)", "\n".join(lines))
    text = "".join(each if each.lstrip().startswith(">>>") else converted(each) for each in paragraphs)
    if what in ("class", "function", "method"):  # in the docstring of a field, `a: b` is no type and text
        text = str(GoogleDocstring(text, Config()))
    lines[:] = text.split("\n")


def converted(text: str) -> str:
    r"""Return a paragraph with its code and equations marked, and all other special characters escaped.

    >>> print(converted("Return $a^2$ of `x_` and *y*."))
    Return :math:`a^2` of ``x_`` and \*y\*.
    """
    parts = []
    for part in SPAN.split(text):
        if SPAN.fullmatch(part):
            parts.append(f":math:`{part[1:-1]}`" if part[0] == "$" else f"``{part[1:-1]}``")
        else:
            parts.append(re.sub(r"(?<=\w)_(?!\w)|[*|\\]", r"\\\g<0>", part))
    return "".join(parts)
