"""Each lesson in a browser: it plays, and its knobs lead to what its text says; random knobs break nothing."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganache.lessons.lesson import Lesson, Outcome, load_lessons
from ganache.lessons.words import english
from playground_page import Page, server

LESSONS = load_lessons()
FAST = {"generator", "four-distances", "circling"}
MINUTES = float(os.environ.get("GANACHE_TEST_MINUTES", "2"))
"""How long knobs are turned at random."""
ROOM = 400
"""Megabytes by which the server may grow meanwhile: one lesson keeps states and real images."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with server("learn") as address:
        yield address


def first_outcomes() -> list[Any]:
    """Return, for each lesson, its earliest outcome for each position of the knobs, two of them at most."""
    found = []
    for lesson in LESSONS:
        by_choice: dict[tuple[int, ...], Outcome] = {}
        for outcome in sorted(lesson.outcomes, key=lambda each: each.step):
            by_choice.setdefault(outcome.choices, outcome)
        marks = () if lesson.name in FAST else (pytest.mark.slow,)
        found.append(pytest.param(lesson, list(by_choice.values())[:2], id=lesson.name, marks=marks))
    return found


def go(page: Page, step: int) -> None:
    """Move the slider of the steps, and wait until the step is there."""
    moment = page.page.get_by_label(english()["moment"], exact=True)
    moment.evaluate("(element, step) => { element.value = step; element.dispatchEvent(new Event('change')); }", step)
    page.find(f".transport output:text-is('step {step:,}')").wait_for(timeout=120_000)


@pytest.mark.parametrize(("lesson", "outcomes"), first_outcomes())
def test_a_lesson_plays_and_its_knobs_do_what_its_text_says(
    lesson: Lesson, outcomes: list[Outcome], browser: Any, address: str
) -> None:
    page = Page(browser, f"{address}#{lesson.name}")
    page.find(f"h2:text-is('{lesson.title}')").wait_for()
    page.button("Play").click()
    page.page.wait_for_function(
        "() => Number(document.querySelector('.transport output').textContent.replace(/\\D/g, '')) > 2"
    )
    page.button("Pause").click()
    page.button("One step").click()
    page.button("Back").click()
    for outcome in outcomes:
        for knob, choice in zip(lesson.knobs, outcome.choices, strict=True):
            group = page.page.get_by_role("radiogroup", name=knob.label, exact=True)
            group.get_by_role("radio", name=knob.choices[choice].label, exact=True).click()
        assert page.page.url.endswith(f"{lesson.name}/{','.join(map(str, outcome.choices))}"), "a knob was turned back"
        page.button("Begin anew").click()
        page.find(".transport output:text-is('step 0')").wait_for()
        go(page, outcome.step)
        value = float(shown(page, outcome))
        assert outcome.at_least - rounding(value) <= value <= outcome.at_most + rounding(value), outcome
    page.close()


def test_real_points_are_drawn_with_the_pointer(browser: Any, address: str) -> None:
    page = Page(browser, f"{address}#game")
    page.find("summary:text-is('All settings')").click()
    drag(page, "Draw real points", [(0, 0)])
    page.button("Train on these points").click()
    page.find("#banner:has-text('1 points were drawn')").wait_for()
    page.button("One step").click()
    page.find(".transport output:text-is('step 1')").wait_for()
    assert page.find("#banner").is_hidden(), "the lesson goes on as before"
    drag(page, "Draw real points", [(0.3 * k / 30, 0.2) for k in range(-15, 15)])
    page.button("Train on these points").click()
    page.button("One step").click()
    page.find(".transport output:text-is('step 1')").wait_for()
    assert page.find("#banner").is_hidden()
    page.close()


def test_settings_are_those_of_the_training_also_after_going_back_or_a_refusal(browser: Any, address: str) -> None:
    page = Page(browser, f"{address}#game")
    page.find("summary:text-is('All settings')").click()
    page.button("One step").click()
    page.find(".transport output:text-is('step 1')").wait_for()
    batch = page.find("#set-schedule-batch")
    batch.fill("24")
    batch.press("Enter")
    page.button("One step").click()
    page.find(".transport output:text-is('step 2')").wait_for()
    assert batch.input_value() == "24"
    go(page, 0)
    assert batch.input_value() == "", "at this step the batch was that of the lesson"
    go(page, 3)
    assert batch.input_value() == ""
    page.close()


def test_a_line_is_dragged_with_the_pointer(browser: Any, address: str) -> None:
    page = Page(browser, f"{address}#four-distances")
    drag(page, None, [(0, 0), (0.25, 0)])
    page.find("dt:text-is('t') + dd:has-text('0.575')").wait_for()  # the page ends at 1.15
    page.close()


def drag(page: Page, button: str | None, places: list[tuple[float, float]]) -> None:
    """Press a button, and move the held pointer to places: shares of the scene's width and height from its middle."""
    if button:
        page.button(button).click()
    box = page.find("canvas.scene").first.bounding_box()
    points = [(box["x"] + box["width"] * (0.5 + x), box["y"] + box["height"] * (0.5 - y)) for x, y in places]
    page.page.mouse.move(*points[0])
    page.page.mouse.down()
    for point in points[1:]:
        page.page.mouse.move(*point)
    page.page.mouse.up()


def shown(page: Page, outcome: Outcome) -> str:
    """Return a number as the page shows it."""
    side = page.find(".side").nth(outcome.side)
    name = english()[outcome.number]
    text: str = side.locator(f'dt:text-is("{name}") + dd').text_content()
    return text


def rounding(value: float) -> float:
    """Return by how much three digits can be off."""
    return abs(value) / 200


@pytest.mark.slow
@pytest.mark.timeout(60 * MINUTES + 300)
def test_knobs_turned_at_random_break_nothing(browser: Any, address: str) -> None:
    """No error, no growing server, and no number that is not finite without a sentence about it."""
    chance = random.Random(1)
    page = Page(browser, address)
    page.find("#list a").first.wait_for()
    process = server_process()
    grown_from, end, done = memory(process), time.monotonic() + 60 * MINUTES, 0
    while time.monotonic() < end:
        if done % 40 == 0:
            page.page.goto(f"{address}#{chance.choice(LESSONS).name}")
            page.find(".transport output").wait_for()
        controls = page.find(
            "#lesson [role=radio], #lesson .transport button, #lesson select, #lesson input[type=number]"
        )
        control = controls.nth(chance.randrange(controls.count()))
        if control.is_visible() and control.is_enabled():
            turn(control, chance)
        page.page.wait_for_timeout(chance.choice([0, 20, 300]))
        done += 1
        numbers = page.find(".numbers").all_text_contents()
        finite = not any(re.search("nan|infinity", text, re.IGNORECASE) for text in numbers)
        assert finite or page.find(".said p").count(), numbers
    if page.button("Pause").count():
        page.button("Pause").click()
    assert done > 10 * MINUTES
    assert memory(process) - grown_from < ROOM
    page.close()


def turn(control: Any, chance: random.Random) -> None:
    """Use one control as a person might."""
    kind = control.evaluate("(element) => element.tagName")
    if kind == "SELECT":
        options = control.locator("option")
        control.select_option(index=chance.randrange(options.count()))
    elif kind == "INPUT":
        control.fill(str(chance.choice([0, 1, 2, 8, 0.001, 0.5, 100])))
        control.press("Enter")
    else:
        control.click()


def server_process() -> int:
    """Return the child of this process that was started as `ganache learn`."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return next(int(each) for each in children if b"learn" in Path(f"/proc/{each}/cmdline").read_bytes())


def memory(process: int) -> float:
    """Return the megabytes of a process in memory."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
