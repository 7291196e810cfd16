"""Pictures and words -> one HTML page that needs nothing but the files beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

MARK = '<meta name="generator" content="ganache">'
"""By this a page of ours is known from somebody else's."""

STYLE = """
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; color: #1e1e1e }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin: 0 0 .4rem }
nav a { margin-right: .8rem; white-space: nowrap }
section { border-top: 1px solid #ddd; padding: 1.4rem 0 }
img { max-width: 100%; height: auto; display: block; margin: .8rem 0 }
p { margin: .3rem 0; max-width: 52rem }
pre { background: #f4f4f4; padding: .6rem .8rem; overflow-x: auto; font-size: .85rem }
"""


@dataclass(frozen=True)
class Entry:
    """One picture of a page."""

    heading: str
    picture: str
    """The file, beside the page."""
    words: tuple[tuple[str, str], ...]
    """(what it is, what there is to say), a paragraph each."""
    command: str
    """What makes the picture alone."""


def page(title: str, introduction: str, entries: Sequence[Entry]) -> str:
    """The page as text."""
    links = " ".join(f'<a href="#p{k}">{escape(entry.heading)}</a>' for k, entry in enumerate(entries))
    parts = [section(entry, f"p{k}") for k, entry in enumerate(entries)]
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'{MARK}\n<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>",
            f"<h1>{escape(title)}</h1>\n<p>{escape(introduction)}</p>\n<nav>{links}</nav>",
            *parts,
            "</body>\n</html>\n",
        ]
    )


def section(entry: Entry, anchor: str) -> str:
    """One picture with its words."""
    said = "\n".join(f"<p><b>{escape(what)}</b> {escape(words)}</p>" for what, words in entry.words)
    return (
        f'<section id="{anchor}">\n<h2>{escape(entry.heading)}</h2>\n{said}\n'
        f'<img src="{escape(entry.picture)}" alt="{escape(entry.heading)}">\n'
        f"<pre>{escape(entry.command)}</pre>\n</section>"
    )
