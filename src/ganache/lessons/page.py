"""What the page of lessons is made of: its files, and what it knows of a lesson."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from ganache.lessons.lesson import Lesson

SHARED = ("palette.css", "style.css", "live.css", "draw.js", "wire.js", "keys.js", "language.js", "icon.svg")
"""Files of the playground's page."""


def page_files() -> dict[str, bytes]:
    """Return the page's files by name. It shares files with the playground, the exported page and the report."""
    folders: list[tuple[Any, tuple[str, ...] | None]] = [
        (files("ganache.lessons") / "browser", None),
        (files("ganache.playground") / "page", SHARED),
        (files("ganache.output.report"), ("chart.js",)),
    ]
    return {
        file.name: file.read_bytes()
        for folder, names in folders
        for file in folder.iterdir()
        if file.is_file() and (names is None or file.name in names)
    }


def described(lesson: Lesson) -> dict[str, Any]:
    """Return the texts and the labels of a lesson as plain data."""
    knobs = [
        {
            "label": knob.label,
            "choices": [choice.label for choice in knob.choices],
            "start": knob.start,
            "restarts": knob.restarts,
        }
        for knob in lesson.knobs
    ]
    return {
        "name": lesson.name,
        "title": lesson.title,
        "scene": lesson.scene,
        "sides": [side.label for side in lesson.sides],
        "knobs": knobs,
        "steps": lesson.steps,
        "shows": list(lesson.shows),
        "numbers": list(lesson.numbers),
        "curves": list(lesson.curves),
        "logarithmic": lesson.logarithmic,
        "text": lesson.text,
        "question": lesson.question,
        "answer": lesson.answer,
        "take": lesson.take,
    }
