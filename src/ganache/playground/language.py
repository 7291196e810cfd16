"""The playground in other languages: for each, a file in `words/` with a translation of every English sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files


def sentences(language: str) -> dict[str, str]:
    """Return the sentences of a language by the English ones; none for English."""
    if language == "en":
        return {}
    text = (files("ganache.playground") / "words" / f"{language}.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def in_language(page: Mapping[str, bytes], language: str) -> dict[str, bytes]:
    """Return the files of a page, with the sentences of a language in `index.html`, where `language.js` reads them."""
    words = json.dumps(sentences(language), ensure_ascii=False).replace("<", "\\u003c")
    html = page["index.html"].decode()
    html = html.replace('<html lang="en">', f'<html lang="{language}">', 1)
    html = html.replace("</head>", f'  <script type="application/json" id="words">{words}</script>\n</head>', 1)
    return {**page, "index.html": html.encode()}
