"""From the words of a command to a call: what `--help` prints, and one sentence for words that cannot be parsed."""

from __future__ import annotations

import inspect
import io
import os
import re
import shutil
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import partial
from typing import Any, get_type_hints

import tyro

from ganache.cli.terminal import escapes_allowed
from ganache.cli.text import shown
from ganache.cli.types import REGISTRY, described, unwrapped
from ganache.errors import ConfigError, choices

WIDE, VERY_WIDE = 100, 10_000
"""Columns of a terminal on which tyro lists options one below the other, and on which it breaks no line."""


def parse(command: Callable[..., Any], words: Sequence[str], prog: str) -> Callable[[], Any]:
    """Return the call of a command that its words ask for. `--help` prints the help and exits.

    Raises ConfigError if the words cannot be parsed.
    """
    doc = unwrapped(inspect.getdoc(command) or "")
    hints = get_type_hints(command, include_extras=True)
    parameters = [
        each.replace(annotation=described(each.name, hints[each.name], each.default))
        for each in inspect.signature(command).parameters.values()
    ]

    def call(**given: Any) -> Callable[[], Any]:
        return partial(command, **given)

    call.__doc__ = doc
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    parsed: Callable[[], Any] = parse_type(call, words, prog)
    return parsed


def parse_type(kind: Any, words: Sequence[str], prog: str, description: str | None = None) -> Any:
    """Return the dataclass, or the result of the function, that the words of a command describe.

    Raises ConfigError if the words cannot be parsed.
    """
    read = partial(tyro.cli, kind, prog=prog, description=description, registry=REGISTRY)
    if {"-h", "--help"} & set(words):
        with escapes_allowed():
            read(args=["--help"])
    with captured(VERY_WIDE) as printed:
        try:
            result, unknown = read(args=words, return_unknown_args=True)
        except SystemExit:
            raise ConfigError(sentence(printed.getvalue(), prog)) from None
    if unknown:
        raise ConfigError(unknown_word(unknown[0], option_names(read), prog))
    return result


@contextmanager
def captured(width: int) -> Iterator[io.StringIO]:
    """Collect what is printed, as for a terminal with this many columns and no colours."""
    printed, columns = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(width)
    try:
        with redirect_stderr(printed), redirect_stdout(printed):
            yield printed
    finally:
        os.environ.pop("COLUMNS")
        if columns is not None:
            os.environ["COLUMNS"] = columns


def sentence(printed: str, prog: str) -> str:
    """Return tyro's message about a missing or wrong value as one sentence.

    The message is a title, a line of -, what is wrong, a line of -, and where to find help.
    """
    rows = [*re.split(r"^ *-+ *$", printed, flags=re.MULTILINE), printed][1].split("\n")
    text, see = " ".join(" ".join(rows).split()), f"see  {prog} --help"
    if missing := re.fullmatch(r"Missing from .*?: (\S+)(?: \[\S+ \.\.\.\])? (.*?)\.? \(required\)", text):
        return f"{missing[1]} is required: write  {prog} {missing[1]}  with {missing[2][:1].lower()}{missing[2][1:]}."
    if choice := re.fullmatch(r"invalid choice '(.*)' for argument '(.*?)'\. Expected one of \((.*)\)\.", text):
        known = re.findall(r"'(.*?)'", choice[3])
        return f"{choice[2]} is {shown(choice[1])}: {choices(choice[1], known)}"
    if option := re.match(r"Missing value for argument '(.*?)'", text):
        return f"{option[1]} needs a value: {see}"
    if wrong := re.match(r"Error parsing (?:.*/)?(.*?): (.*)", text):
        return f"{wrong[1]}: {wrong[2]}; {see}"
    return f"{text} {see}"


def unknown_word(word: str, known: Sequence[str], prog: str) -> str:
    """Return the sentence about a word that a command does not know."""
    see = f"see  {prog} --help"
    if not word.startswith("-"):
        return f"{shown(word)} is one word too many: {see}"
    option = word.partition("=")[0]
    guess = choices(option, known)
    return f"There is no option {shown(option)}: {guess if guess.startswith('did') else see}"


def option_names(read: Callable[..., Any]) -> list[str]:
    """Return the options that the help of a command lists."""
    with captured(WIDE) as printed, suppress(SystemExit):
        read(args=["--help"])
    rows = re.findall(r"^ *(--?[a-z].*?)(?:  |$)", printed.getvalue(), re.MULTILINE)
    return [name for row in rows for name in re.findall(r"(?:^|(?<= ))--?[a-z][\w.-]*", row)]


def listing(commands: Mapping[str, Callable[..., Any]], introduction: str) -> str:
    """Return the text of `ganache --help`: each command, and the first sentence of its documentation."""
    names, columns = max(map(len, commands)) + 4, max(60, min(120, shutil.get_terminal_size().columns))
    lines = ["usage: ganache COMMAND ...", "", introduction, "", "Commands:"]
    for name, command in commands.items():
        first = re.split(r"(?<=\.)(?:\s|$)", unwrapped(inspect.getdoc(command) or ""))[0]
        lines.append(textwrap.fill(f"  {name:{names - 2}}{first}", columns, subsequent_indent=" " * names))
    return "\n".join([*lines, "", "Help on a command: ganache COMMAND --help. The version: ganache --version."])
