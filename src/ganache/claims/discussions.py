"""Discussions of verdicts, written by hand, which the report shows.

They are in one file next to the report, `discussions.md`, with one section per claim: a line `## NAME`, then paragraphs
of plain text with empty lines between them. The first one says what to take from the verdict; the report folds the
rest. A file `NAME/discussion.txt`, as the first version had, is read too.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from ganache.core import storage

FILE = "discussions.md"


def read(out: Path) -> dict[str, list[str]]:
    """Return the paragraphs of each discussion in the folder `out`, by the name of the claim."""
    found = {file.parent.name: paragraphs(read_lenient(file)) for file in out.glob("*/discussion.txt")}
    sections = ("\n" + read_lenient(out / FILE)).split("\n## ")[1:]
    for section in sections:
        name, _, text = section.partition("\n")
        found[name.strip()] = paragraphs(text)
    return found


def read_lenient(path: Path) -> str:
    """Return a text written by hand: empty if there is none, and with a mark for each byte that is not UTF-8."""
    with suppress(OSError):
        return storage.read_bytes(path, storage.MAX_TEXT).decode("utf-8-sig", errors="replace")
    return ""


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, each as one line.

    >>> paragraphs("One line\\nand its end.\\n\\nAnother.\\n")
    ['One line and its end.', 'Another.']
    """
    return [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n") if paragraph.strip()]
