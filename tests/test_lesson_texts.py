"""The lessons of the package: what their texts say that the reader will see really happens."""

from __future__ import annotations

import re
from collections import defaultdict
from importlib.resources import files

import pytest

from ganache.claims import CLAIMS
from ganache.lessons.lesson import Lesson, Outcome, load_lessons
from ganache.lessons.stage import scene, setups
from ganache.lessons.words import english

LESSONS = load_lessons()
FAST = 1.0
"""CPU seconds of the outcomes that are checked in the fast suite, at most, for one side and position of the knobs."""
RATES = {"plane": 200, "lines": 5_000, "dirac": 400, "pictures": 100, "latents": 10_000}
"""Steps per second, about, on one core; with several critic steps fewer."""


def runs() -> list[object]:
    """Return a parameter (lesson, side, positions, outcomes) per training: its outcomes are checked on the way."""
    found = []
    for lesson in LESSONS:
        grouped = defaultdict(list)
        for outcome in lesson.outcomes:
            slow = seconds(lesson, outcome) > FAST
            grouped[outcome.choices, outcome.side, slow].append(outcome)
        for (choices, side, slow), outcomes in grouped.items():
            name = f"{lesson.name}-{''.join(map(str, choices))}-{side}-{outcomes[-1].step}"
            marks = [pytest.mark.slow] if slow else []
            found.append(pytest.param(lesson, side, choices, outcomes, id=name, marks=marks))
    return found


def seconds(lesson: Lesson, outcome: Outcome) -> float:
    """Return about how long the steps to an outcome take."""
    config = lesson.configs(outcome.choices)[outcome.side]
    critic_steps = config.schedule.critic_steps if lesson.scene in ("plane", "pictures") else 1
    return outcome.step * (1 + critic_steps) / 2 / RATES[lesson.scene]


@pytest.mark.parametrize(("lesson", "side", "choices", "outcomes"), runs())
def test_what_a_lesson_says_happens(
    lesson: Lesson, side: int, choices: tuple[int, ...], outcomes: list[Outcome]
) -> None:
    shown = scene(lesson, setups(lesson, choices)[side])
    for outcome in sorted(outcomes, key=lambda each: each.step):
        shown.go(outcome.step)
        value = shown.frame().numbers[outcome.number]
        assert outcome.at_least <= value <= outcome.at_most, f"{outcome}: {value}"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_is_short_checked_and_names_what_exists(lesson: Lesson) -> None:
    fast = [outcome for outcome in lesson.outcomes if seconds(lesson, outcome) <= FAST]
    assert fast, "an outcome that is checked in the fast suite"
    assert all(len(outcome.choices) == len(lesson.knobs) for outcome in lesson.outcomes)
    assert {*lesson.numbers, *lesson.curves} <= english().keys()
    take = re.sub("<h3>.*</h3>|<[^>]+>", "", lesson.take)
    assert 2 <= len(re.findall(r"[.!?]\s", take)) <= 5, "at most five sentences"


def test_each_claim_that_a_lesson_names_exists() -> None:
    texts = [
        path.read_text(encoding="utf-8") for path in (files("ganache.lessons") / "texts").iterdir() if path.is_file()
    ]
    named = {name for text in texts for name in re.findall(r"\(claim:([^)]*)\)", text)}
    assert named
    assert named <= CLAIMS.keys()
    assert not any("claim:" in part for each in LESSONS for part in (each.text, each.question, each.answer, each.take))
