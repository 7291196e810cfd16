"""The English of a page, found in its files: what a translation has to know."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

SAID = ("title", "aria-label", "placeholder", "alt")
CODE = ("code", "script", "style", "noscript", "kbd")
STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
REGEX = re.compile(r"(?<=[(,=:&|!?{};])\s*/(?![/*])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\]|\\.)*\])+/\w*")
UNSEEN = re.compile(
    r"(?:\b(?:class|className): |className = |=== |from |"
    r"(?:getContext|querySelector(?:All)?|matches|closest|matchMedia)\()$"
)
"""The code before a string that is no text: a class, a selector, a value that is compared."""
NO_TEXTS = {
    "Enter",
    "Files",
    "SeFa",
    "WebP",
    "ganache",
    "ganache explore RUN",
    "--host {}",
    "{} --port {}",
    "--lang {}",
    "pins {} {}",
}
NO_TEXTS |= {"use strict", "slider without-map", "code, script, [translate=no]", "code, option, script, [translate=no]"}
"""Keys, names, commands, classes and selectors."""


class Markup(HTMLParser):
    """Collects the texts of an HTML page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attributes if name in SAID and value]
        if tag in CODE:
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.found.append(data)


def of_markup(html: str) -> set[str]:
    """Return the texts and the spoken attributes of a page."""
    parser = Markup()
    parser.feed(html)
    found = {plain(text) for text in parser.found}
    return {text for text in found - NO_TEXTS if re.search("[A-Za-z]{2}", text)}


def literals(script: str) -> Iterator[tuple[str, str]]:
    """Yield (the code before it, the text) of each string of a script; values in a template become {}."""
    code, at = "", 0
    while at < len(script):
        if found := COMMENT.match(script, at) or REGEX.match(script, at):
            code, at = code + " ", found.end()
        elif found := STRING.match(script, at):
            yield code[-60:], ast.literal_eval(found.group())
            code, at = code + '""', found.end()
        elif script[at] == "`":
            text, at, inner = template(script, at + 1)
            yield code[-60:], text
            for part in inner:
                yield from literals(part)
            code += '""'
        else:
            code, at = code + script[at], at + 1


def template(script: str, at: int) -> tuple[str, int, list[str]]:
    """Return (the text of a template that begins at `at`, the place behind it, the code of its values)."""
    text, inner = "", []
    while script[at] != "`":
        if script.startswith("${", at):
            end = closing(script, at + 2)
            inner.append(script[at + 2 : end])
            text, at = text + "{}", end + 1
        else:
            step = 2 if script[at] == "\\" else 1
            text, at = text + script[at : at + step], at + step
    return text.replace("\\u00a0", " "), at + 1, inner


def closing(script: str, at: int) -> int:
    """Return the place of the brace that closes the one before `at`."""
    depth = 1
    while depth:
        if script[at] == "`":
            at = template(script, at + 1)[1]
        elif found := STRING.match(script, at):
            at = found.end()
        else:
            depth += {"{": 1, "}": -1}.get(script[at], 0)
            at += 1
    return at - 1


def of_script(path: Path) -> set[str]:
    """Return the strings of a script that read as text."""
    found = {plain(text) for code, text in literals(path.read_text(encoding="utf-8")) if not UNSEEN.search(code)}
    return {text for text in found - NO_TEXTS if is_text(text)}


def is_text(text: str) -> bool:
    """Whether a string has a word, and a second one or a capital."""
    return bool(re.search(r"[A-Za-z]{2}", text)) and (" " in text or bool(re.match("[A-Z][a-z]", text)))


def plain(text: str) -> str:
    return " ".join(text.split())
