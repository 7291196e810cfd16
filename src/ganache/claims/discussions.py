"""Discussions of verdicts, written by hand, which the report shows.

They are in one file next to the report, `discussions.md`, with one section per claim: a line `## NAME`, then paragraphs
of plain text with empty lines between them. A file `NAME/discussion.txt`, as the first version had, is read too.
"""

from __future__ import annotations

from pathlib import Path

FILE = "discussions.md"


def read(out: Path) -> dict[str, list[str]]:
    """Return the paragraphs of each discussion in the folder `out`, by the name of the claim."""
    files = out.glob("*/discussion.txt")
    found = {file.parent.name: paragraphs(file.read_text(encoding="utf-8-sig")) for file in files}
    path = out / FILE
    sections = ("\n" + path.read_text(encoding="utf-8-sig")).split("\n## ")[1:] if path.exists() else []
    for section in sections:
        name, _, text = section.partition("\n")
        found[name.strip()] = paragraphs(text)
    return found


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text, each as one line.

    >>> paragraphs("One line\\nand its end.\\n\\nAnother.\\n")
    ['One line and its end.', 'Another.']
    """
    return [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n") if paragraph.strip()]
