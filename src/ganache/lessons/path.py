"""A scene that is a path of places, one per step, which can be gone back and on, and begun anew elsewhere."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from ganache.lessons.scene import Frame, Setup

P = TypeVar("P")


class Trajectory(ABC, Generic[P]):
    """The places up to now in `path`, of which the scene is at number `step`."""

    def __init__(self, setup: Setup, start: P) -> None:
        self.path, self.step = [start], 0
        self.change(setup)

    def change(self, setup: Setup) -> None:
        """Go on from here with other settings."""
        self.setup = setup
        del self.path[self.step + 1 :]

    def begin(self, place: P) -> None:
        """Begin anew at a place."""
        self.path, self.step = [place], 0

    @abstractmethod
    def place(self, x: float, y: float) -> None:
        """Begin anew where the reader drags."""

    @abstractmethod
    def after(self, place: P) -> P:
        """Return the place one step after this one."""

    @abstractmethod
    def frame(self) -> Frame:
        """Return what is drawn."""

    def advance(self) -> None:
        """Go on by one step."""
        if self.step + 1 == len(self.path):
            self.path.append(self.after(self.path[-1]))
        self.step += 1

    def go(self, step: int) -> None:
        """Go to a step."""
        self.step = min(step, len(self.path) - 1)
        while self.step < step:
            self.advance()
