"""Words and pictures -> HTML that needs no network: every page that ganache writes is made here."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from ganache.errors import ConfigError

MARK = '<meta name="generator" content="ganache">'
"""By this a page of ours is known from somebody else's."""

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
"""What all pages look like: dark and light, and on phones."""

SHELL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{mark}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
{script}
</body>
</html>
"""


def document(title: str, body: str, style: str = "", script: str = "", data: Mapping[str, Any] | None = None) -> str:
    """A whole page as text. `body` is HTML; `style` comes after that of all pages; `data` is what the script reads.

    Its content security policy lets it load pictures inside it and beside it, run this script alone, and nothing else.
    """
    style = STYLE + style
    parts = []
    if data is not None:
        text = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
        parts.append(f'<script type="application/json" id="data">{text}</script>')
    if script:
        parts.append(f"<script>{script}</script>")
    allowed = {
        "default-src": "'none'",
        "img-src": "data: 'self'",
        "style-src": digest(style),
        "script-src": digest(script) if script else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return SHELL.format(
        mark=MARK,
        policy="; ".join(f"{what} {sources}" for what, sources in allowed.items()),
        title=escape(title),
        style=style,
        body=body,
        script="\n".join(parts),
    )


def digest(text: str) -> str:
    """The text as a source that a content security policy allows: its SHA-256."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def refuse_unless_ours(path: Path) -> None:
    """Raise ConfigError where a page would be written over something that is no page of ours."""
    if path.is_dir():
        raise ConfigError(f"{path} is a folder, and a page is one file: name a file with -o.")
    if path.exists() and MARK not in path.read_text(encoding="utf-8", errors="replace")[:1000]:
        raise ConfigError(f"{path} is there and was not made by ganache: name another with -o.")


def of_file(path: Path) -> str:
    """A picture's file as an address that holds all of it."""
    return address(path.read_bytes(), path.suffix[1:])


def of_picture(picture: Image.Image, quality: int = 85) -> str:
    """A picture as an address that holds all of it, as WebP."""
    held = BytesIO()
    picture.save(held, "WEBP", quality=quality, method=4)
    return address(held.getvalue(), "webp")


def address(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def duration(seconds: float) -> str:
    """
    >>> duration(0.4), duration(90), duration(9000)
    ('1 s', '1 min 30 s', '2 h 30 min')
    """
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """A table that scrolls by itself where it is too wide. Cells are HTML; the first of each row is its heading."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "\n".join(
        "<tr>" + f'<th scope="row">{first}</th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"
        for first, *rest in rows
    )
    named = f' class="{kind}"' if kind else ""
    return f'<div class="wide"><table{named}><thead><tr>{top}</tr></thead>\n<tbody>{body}</tbody></table></div>'


# ---- pictures with their words -----------------------------------------------------------------------------------


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


ENTRIES = """
body { max-width: 76rem; }
nav a { margin-right: .8rem; white-space: nowrap; }
section img { display: block; margin: .8rem 0; }
p { margin: .3rem 0; max-width: 52rem; }
"""


def page(title: str, introduction: str, entries: Sequence[Entry]) -> str:
    """A page of pictures that lie beside it."""
    links = " ".join(f'<a href="#p{k}">{escape(entry.heading)}</a>' for k, entry in enumerate(entries))
    parts = [section(entry, f"p{k}") for k, entry in enumerate(entries)]
    body = [f"<h1>{escape(title)}</h1>\n<p>{escape(introduction)}</p>\n<nav>{links}</nav>", *parts]
    return document(title, "\n".join(body), ENTRIES)


def section(entry: Entry, anchor: str) -> str:
    """One picture with its words."""
    said = "\n".join(f"<p><b>{escape(what)}</b> {escape(words)}</p>" for what, words in entry.words)
    return (
        f'<section id="{anchor}">\n<h2>{escape(entry.heading)}</h2>\n{said}\n'
        f'<img src="{escape(entry.picture)}" alt="{escape(entry.heading)}">\n'
        f"<pre>{escape(entry.command)}</pre>\n</section>"
    )
