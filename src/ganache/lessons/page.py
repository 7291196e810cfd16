"""What a page knows of a lesson."""

from __future__ import annotations

from typing import Any

from ganache.lessons.lesson import Lesson


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
