"""The pages' own words in each language: one file per language, in `words/`."""

from __future__ import annotations

import json
from importlib.resources import files


def words(language: str) -> dict[str, str]:
    """Return the words of a language by key; those that it lacks are English."""
    return english() | read(language)


def english() -> dict[str, str]:
    return read("en")


def read(language: str) -> dict[str, str]:
    """Return the words in the file of a language."""
    text = (files("ganache.lessons") / "words" / f"{language}.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found
