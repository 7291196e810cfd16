"""The help of a command as data, read from what `--help-all` prints, for manual pages and completion."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from ganache.cli.parsing import WIDE, captured


@dataclass
class Option:
    """An option or a positional of a command."""

    term: str
    """As the help shows it: `-o PATH, --out PATH`."""
    text: str = ""

    @property
    def names(self) -> list[str]:
        """The words that give it: `-o` and `--out`; none for a positional."""
        return re.findall(r"(?<!\S)--?[a-zA-Z][\w.-]*", self.term)

    @property
    def choices(self) -> list[str]:
        """Its values, if there are only some."""
        found = re.search(r"\{(.*?)\}", self.term)
        return found[1].split(",") if found else []

    @property
    def takes_value(self) -> bool:
        """Whether a value follows."""
        return self.term.split(", ")[-1].rpartition(" ")[0] != ""


@dataclass
class Section:
    """Options under a title."""

    title: str
    text: str = ""
    """What the help says above the options, with one line per paragraph."""
    options: list[Option] = field(default_factory=list)


@dataclass
class Page:
    """The help of a command."""

    usage: str
    text: str
    """The description, with one line per paragraph."""
    sections: list[Section]

    @property
    def summary(self) -> str:
        """The first sentence of the description."""
        return re.split(r"(?<=\.)(?:\s|$)", self.text)[0]

    @property
    def options(self) -> list[Option]:
        """The options of all sections, without positionals."""
        return [option for section in self.sections for option in section.options if option.names]


def help_page(word: str, run: Callable[[list[str]], None]) -> Page:
    """Return the help of a command; `run` runs the words of a command line."""
    with captured(WIDE) as printed, suppress(SystemExit):
        run([word, "--help-all"])
    return read_help(printed.getvalue())


def read_help(text: str) -> Page:
    """Return the help that a command printed on a terminal of WIDE columns, without boxes: titles are underlined."""
    plain, *parts = re.split(r"^ (\S.*)\n -+$", text, flags=re.MULTILINE)
    usage, _, description = plain.partition("\n\n")
    sections = []
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        rows = [line[2:].rstrip() for line in body.split("\n")]
        ruler = next((place for place, row in enumerate(rows) if row and not row.strip("-")), -1)
        section = Section(title.strip(), joined(rows[: max(ruler, 0)]))
        for row in rows[ruler + 1 :]:
            if row and not row.startswith(" "):
                term, _, begin = row.partition("  ")
                section.options.append(Option(term, begin.strip()))
            elif row:
                option = section.options[-1]
                option.text = f"{option.text} {row.strip()}".strip()
        sections.append(section)
    return Page(" ".join(usage.removeprefix("usage: ").split()), joined(description.split("\n")), sections)


def joined(lines: list[str]) -> str:
    """Return lines with one line per paragraph.

    >>> joined(["One", "two.", "", "Three.", ""])
    'One two.\\n\\nThree.'
    """
    return "\n\n".join(" ".join(part.split()) for part in "\n".join(lines).strip().split("\n\n"))
