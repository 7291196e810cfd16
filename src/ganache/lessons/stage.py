"""The stage of one page: the lesson that it shows, its scenes, and what the page may ask of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ganache.errors import ConfigError, choices
from ganache.lessons.dirac import Dirac
from ganache.lessons.latents import Latents
from ganache.lessons.lesson import Lesson
from ganache.lessons.lines import Lines
from ganache.lessons.path import Trajectory
from ganache.lessons.pictures import PictureTraining
from ganache.lessons.plane import LIMIT, PlaneTraining
from ganache.lessons.scene import Scene, Setup, encode
from ganache.playground.wire import Message

SCENES: dict[str, Callable[[Setup, tuple[str, ...]], Scene]] = {
    "plane": PlaneTraining,
    "lines": Lines,
    "dirac": Dirac,
    "pictures": PictureTraining,
    "latents": Latents,
}
MOST_STEPS, MOST_SECONDS = 1_000, 1.0
"""Of one request."""
FURTHEST = 1_000_000
"""The last step to which a page may go."""
DRAWN = (16, 5_000)
"""Points that a reader may draw, at least and at most."""

CHANGEABLE = ("method", "network", "schedule", "penalty", "view", "critic_optimiser", "generator_optimiser", "seed")
"""The settings that a page may change, beside the knobs."""

Reply = tuple[dict[str, Any], list[bytes]]


@dataclass(frozen=True)
class Open(Message):
    """Begin a lesson, with the knobs at these positions."""

    lesson: str
    positions: tuple[int, ...] = ()


@dataclass(frozen=True)
class Advance(Message):
    """Take so many steps, or as many as `milliseconds` allow and at least one, and return a frame of each side."""

    steps: int
    milliseconds: float = 25.0


@dataclass(frozen=True)
class Go(Message):
    """Go to a step, as far as one request may; return a frame of each side."""

    step: int


@dataclass(frozen=True)
class Change(Message):
    """Go on with other positions of the knobs, other settings, or points that the reader has drawn."""

    positions: tuple[int, ...]
    changes: dict[str, Any] = field(default_factory=dict)
    drawn: tuple[tuple[float, float], ...] = ()
    anew: bool = False
    """Whether to begin at step 0."""


@dataclass(frozen=True)
class Place(Message):
    """Move what the lesson lets the reader drag."""

    x: float
    y: float


ASKS: dict[str, type[Message]] = {"open": Open, "advance": Advance, "go": Go, "change": Change, "place": Place}


class Stage:
    """The lesson of one page. Its methods take long: call them in a thread, one at a time."""

    def __init__(self, lessons: Sequence[Lesson]) -> None:
        self.lessons = {lesson.name: lesson for lesson in lessons}
        self.lesson: Lesson | None = None
        self.scenes: list[Scene] = []

    def answer(self, message: Message) -> Reply:
        """Answer one message of the page. Raises ConfigError if it asks for something that does not exist."""
        if isinstance(message, Open):
            return self.open(message)
        if not self.scenes:
            raise ConfigError("No lesson is open: open one first.")
        if isinstance(message, Advance):
            self.advance(message)
        elif isinstance(message, Go):
            self.go(message.step)
        elif isinstance(message, Change):
            self.change(message)
        elif isinstance(message, Place):
            self.place(message.x, message.y)
        return self.frames()

    def open(self, message: Open) -> Reply:
        """Begin a lesson."""
        if message.lesson not in self.lessons:
            raise ConfigError(
                f"There is no lesson '{message.lesson[:40]}': {choices(message.lesson[:40], self.lessons)}"
            )
        lesson = self.lessons[message.lesson]
        positions = message.positions or lesson.start
        self.scenes = [scene(lesson, setup) for setup in setups(lesson, positions)]
        self.lesson, self.positions = lesson, tuple(positions)
        return self.frames()

    def advance(self, message: Advance) -> None:
        """Take steps in turn on all sides, until they are enough or take too long."""
        end = time.monotonic() + min(message.milliseconds / 1000, MOST_SECONDS)
        for _ in range(min(max(message.steps, 1), MOST_STEPS)):
            for each in self.scenes:
                each.advance()
            if time.monotonic() >= end:
                break

    def go(self, step: int) -> None:
        """Go back to a step at once, or ahead as far as MOST_SECONDS allow."""
        step = min(max(step, 0), FURTHEST)
        if step < self.scenes[0].step:
            for each in self.scenes:
                each.go(step)
            self.positions = self.scenes[0].setup.positions or self.positions
            return
        end = time.monotonic() + MOST_SECONDS
        while self.scenes[0].step < step and time.monotonic() < end:
            for each in self.scenes:
                each.advance()

    def change(self, message: Change) -> None:
        """Go on with other settings."""
        assert self.lesson is not None
        unknown = [name for name in message.changes if name not in CHANGEABLE]
        if unknown:
            raise ConfigError(f"A lesson cannot change '{str(unknown[0])[:40]}': {choices(unknown[0], CHANGEABLE)}")
        new = setups(self.lesson, message.positions, message.changes, points(message.drawn))
        restarts = any(
            knob.restarts and before != after
            for knob, before, after in zip(self.lesson.knobs, self.positions, message.positions, strict=False)
        )
        if message.anew or restarts:
            self.scenes = [scene(self.lesson, setup) for setup in new]
        else:
            for each, setup in zip(self.scenes, new, strict=True):
                each.change(setup)
        self.positions = tuple(message.positions)

    def place(self, x: float, y: float) -> None:
        """Move what can be dragged."""
        for each in self.scenes:
            if not isinstance(each, Trajectory):
                raise ConfigError("Nothing in this lesson can be dragged.")
            each.place(x, y)

    def frames(self) -> Reply:
        """Return a frame of each side: headers in a list, blobs one after another."""
        headers, blobs = [], []
        for each in self.scenes:
            header, own = encode(each.frame())
            headers.append(header)
            blobs += own
        return {"frames": headers, "positions": list(self.positions), "changes": self.scenes[0].setup.changes}, blobs


def scene(lesson: Lesson, setup: Setup) -> Scene:
    """Return a scene of a lesson at step 0."""
    return SCENES[lesson.scene](setup, lesson.shows)


def setups(
    lesson: Lesson,
    positions: Sequence[int],
    changes: Mapping[str, Any] | None = None,
    drawn: np.ndarray[Any, Any] | None = None,
) -> list[Setup]:
    """Return the settings of each side of a lesson."""
    return [Setup(each, tuple(positions), changes or {}, drawn) for each in lesson.configs(positions, changes)]


def points(drawn: Sequence[tuple[float, float]]) -> np.ndarray[Any, Any] | None:
    """Return the reader's points float32 [N, 2], or None. Raises ConfigError for too few, too many, or distant ones."""
    if not drawn:
        return None
    array = np.array(drawn, np.float64)
    if not DRAWN[0] <= len(array) <= DRAWN[1] or not (np.abs(array) <= LIMIT).all():
        raise ConfigError(f"{len(array):,} points were drawn: draw {DRAWN[0]} to {DRAWN[1]:,}, inside of the picture.")
    return array.astype(np.float32)
