"""From the words of a command to a call: what `--help` prints, and one sentence for words that cannot be parsed."""

from __future__ import annotations

import inspect
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from functools import partial
from typing import Any, TextIO, cast, get_type_hints

import tyro

from ganache.cli.layout import wrapped
from ganache.cli.other_tools import option_for
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
    parsed: Callable[[], Any] = parse_type(call, words, prog, doc.partition("\n\nArgs:")[0])
    return parsed


HELP = {"-h", "--help", "--help-all"}
"""Words that ask for the help of a command."""


def parse_type(kind: Any, words: Sequence[str], prog: str, description: str) -> Any:
    """Return the dataclass, or the result of the function, that the words of a command describe.

    `description`: the help above the options, with one line per paragraph. Raises ConfigError if the words cannot be
    parsed.
    """
    read = partial(tyro.cli, kind, prog=prog, description=description, registry=REGISTRY)
    if HELP & set(words):
        with escapes_allowed(), redirect_stdout(cast(TextIO, WrappingStream(sys.stdout))):
            read(args=["--help"])
    with captured(VERY_WIDE) as printed:
        try:
            result, unknown = read(args=words, return_unknown_args=True)
        except SystemExit:
            unknown = unknown_options(words, help_text(read))
            if not unknown:
                raise ConfigError(sentence(printed.getvalue(), prog)) from None
    if unknown:
        raise ConfigError(unknown_word(unknown[0], help_text(read), prog))
    return result


class WrappingStream:
    """A stream that breaks the lines outside boxes between words; tyro breaks those inside boxes only."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`, whole lines, and return its length."""
        lines = text.split("\n")
        self._stream.write(
            "\n".join(line if line[-1:] in tuple("\u2502\u256e\u256f") else wrapped(line) for line in lines)
        )
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


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
    if option := re.match(r"Missing value for argument '(.*?)'(?:.*?(\d+) )?", text):
        return f"{option[1]} needs {f'{option[2]} values' if option[2] not in (None, '1') else 'a value'}: {see}"
    if wrong := re.match(r"Error parsing (?:.*/)?(.*?): (.*)", text):
        return f"{wrong[1]}: {wrong[2]}; {see}"
    return f"{text} {see}"


def unknown_word(word: str, text: str, prog: str) -> str:
    """Return the sentence about a word that the command with this help text does not know."""
    see = f"see  {prog} --help"
    if not word.startswith("-"):
        return f"{shown(word)} is one word too many: {see}"
    option, known = word.partition("=")[0], option_names(text)
    guess = choices(option, known)
    here = option_for(option, known, re.findall(r"^ *(DATA|RUN)\b", text, re.MULTILINE), prog)
    return f"There is no option {shown(option)}: {f'{here}.' if here else guess if guess.startswith('did') else see}"


def unknown_options(words: Sequence[str], text: str) -> list[str]:
    """Return the words that look like options and are none of the command with this help text."""
    known = {name.replace("_", "-") for name in option_names(text)}
    options = [word for word in words if re.match(r"--?[A-Za-z]", word)]
    return [word for word in options if word.partition("=")[0].replace("_", "-") not in known]


def help_text(read: Callable[..., Any]) -> str:
    """Return the help of a command."""
    with captured(WIDE) as printed, suppress(SystemExit):
        read(args=["--help"])
    return "\n".join(line.strip("\u2502 ") for line in printed.getvalue().splitlines())


def option_names(text: str) -> list[str]:
    """Return the options that the help of a command lists."""
    rows = re.findall(r"^ *(--?[a-z].*?)(?:  |$)", text, re.MULTILINE)
    return [name for row in rows for name in re.findall(r"(?:^|(?<= ))--?[a-z][\w.-]*", row)]
