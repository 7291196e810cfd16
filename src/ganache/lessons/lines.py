"""Two parallel lines (Arjovsky et al. 2017, example 1) as a scene: four distances between them, and descent on one."""

from __future__ import annotations

import math

import numpy as np

from ganache.functional.divergences import parallel_lines
from ganache.lessons.scene import Frame
from ganache.lessons.stepping import Setup

DISTANCES = ("earth_mover", "jensen_shannon", "kullback_leibler", "total_variation")
"""In the order of the choices of the lesson's first knob: the distance that is descended."""
START, RATE, DELTA = 0.9, 0.02, 0.01
TICKS = 41


class Lines:
    """The scene "lines". Each step moves the second line, at t, down the slope of the chosen distance."""

    def __init__(self, setup: Setup, shows: tuple[str, ...] = ()) -> None:
        self.step = 0
        self.path = [START]
        self.change(setup)

    def change(self, setup: Setup) -> None:
        """Descend another distance from here."""
        self.setup, self.name = setup, DISTANCES[setup.positions[0]]
        del self.path[self.step + 1 :]

    def place(self, x: float, y: float) -> None:
        """Put the second line at another t, and begin from there."""
        self.path, self.step = [min(max(x, -1.0), 1.0)], 0

    def advance(self) -> None:
        """Take one step of gradient descent; a slope that is not finite moves nothing."""
        if self.step + 1 == len(self.path):
            t = self.path[-1]
            ahead, behind = (parallel_lines(t + d)[self.name] for d in (DELTA, -DELTA))
            slope = (ahead - behind) / (2 * DELTA)
            moved = t - RATE * slope if math.isfinite(slope) else t
            self.path.append(0.0 if moved * t < 0 else moved)
        self.step += 1

    def go(self, step: int) -> None:
        """Go to a step."""
        self.step = min(step, len(self.path) - 1)
        while self.step < step:
            self.advance()

    def frame(self) -> Frame:
        """Return t, the four distances there, and each of them [TICKS] from t = -1 to 1, one after another.

        An infinite one is missing among the numbers, and 0 among the curves.
        """
        t = self.path[self.step]
        found = parallel_lines(t)
        ticks = np.linspace(-1.0, 1.0, TICKS)
        curves = np.array([[parallel_lines(float(each))[name] for each in ticks] for name in DISTANCES])
        return Frame(self.step, {"t": t, **found}, {"curves": np.where(np.isfinite(curves), curves, 0.0)})
