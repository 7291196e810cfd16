"""Write the manual pages in `docs/man/`, from the same texts as `--help`; the wheel installs them.

    python tools/man_pages.py

A test fails while they are not those of the commands.
"""

from __future__ import annotations

from pathlib import Path

from ganache.cli import commands, first_sentence, run_command
from ganache.cli.help_page import Option, Page, help_page
from ganache.cli.layout import FIRST_COMMANDS, INTRODUCTION, grouped

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "man"
OPTIONS = (
    ("--help, -h", "Print a list of the commands. After a command: print its options."),
    ("--help-all", "After a command: print all of its options."),
    ("--install-completion SHELL", "Let bash, zsh or fish complete commands, options and their values."),
    ("--version", "Print the version."),
)
"""The options of `ganache` itself."""


def main() -> None:
    """Write all pages, and remove those of commands that are no more."""
    FOLDER.mkdir(exist_ok=True)
    pages = manual()
    for path in FOLDER.glob("*.1"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def manual() -> dict[str, str]:
    """Return the text of every page by the name of its file."""
    known = commands(None)
    pages = {f"ganache-{word}.1": command_page(word, help_page(word, run_command)) for word in known}
    return {"ganache.1": overview_page({word: first_sentence(known[word]) for word in known})} | pages


def overview_page(sentences: dict[str, str]) -> str:
    """Return the page on `ganache` itself."""
    lines = [*head("ganache", INTRODUCTION.removeprefix("ganache ")), r"\fBganache\fR \fICOMMAND\fR ..."]
    lines += [".SH COMMANDS", "Each has a page of its own, such as", r".BR ganache\-train (1)."]
    for group, names in grouped(list(sentences)).items():
        lines.append(f".SS {escaped(group)}")
        for name in names:
            lines += [".TP", rf".BR ganache\-{escaped(name)} (1)", escaped(sentences[name])]
    lines += [".SH OPTIONS", *(line for term, text in OPTIONS for line in entry(Option(term, text)))]
    lines.append(".SH EXAMPLES")
    for command, text in FIRST_COMMANDS:
        lines += [".TP", rf"\fB{escaped(command)}\fR", escaped(f"{text[0].upper()}{text[1:]}.")]
    return "\n".join(lines) + "\n"


def command_page(word: str, page: Page) -> str:
    """Return the page on a command."""
    lines = [*head(f"ganache-{word}", page.summary), rf"\fB{escaped(page.usage)}\fR"]
    lines += [".SH DESCRIPTION", *paragraphs(page.text)]
    for section in page.sections:
        title = "ARGUMENTS" if section.title == "positional arguments" else section.title.upper()
        lines += [f".SH {escaped(title)}", *paragraphs(section.text)]
        lines += [line for option in section.options for line in entry(option)]
    return "\n".join([*lines, ".SH SEE ALSO", r".BR ganache (1)"]) + "\n"


def head(name: str, summary: str) -> list[str]:
    """Return the beginning of a page, up to the synopsis."""
    summary = summary[0].lower() + summary[1:].rstrip(".")
    dashed = escaped(name)
    title = f'.TH {dashed.upper()} 1 "" "ganache" "ganache"'
    return [title, ".nh", ".ad l", ".SH NAME", rf"{dashed} \- {escaped(summary)}", ".SH SYNOPSIS"]


def paragraphs(text: str) -> list[str]:
    """Return a text with an empty line between paragraphs as paragraphs of a page."""
    return escaped(text).replace("\n\n", "\n.PP\n").split("\n") if text else []


def entry(option: Option) -> list[str]:
    """Return an option with its text."""
    return [".TP", rf"\fB{escaped(option.term)}\fR", escaped(option.text)]


def escaped(text: str) -> str:
    """Return text without what troff would read as a command, and with hyphens that can be copied and break no line."""
    text = text.replace("\\", r"\e").replace("'", r"\(aq").replace("`", r"\(ga").replace("-", r"\-")
    return rf"\&{text}" if text.startswith((".", "\\(aq")) else text


if __name__ == "__main__":
    main()
