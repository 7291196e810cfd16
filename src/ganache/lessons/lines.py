"""Two parallel lines (Arjovsky et al. 2017, example 1) as a scene: four distances between them, and descent on one."""

from __future__ import annotations

import math

import numpy as np

from ganache.functional.divergences import parallel_lines
from ganache.lessons.path import Trajectory
from ganache.lessons.scene import Frame, Setup

DISTANCES = ("earth_mover", "jensen_shannon", "kullback_leibler", "total_variation")
"""In the order of the choices of the lesson's first knob: the distance that is descended."""
START, RATE, DELTA = 0.9, 0.02, 0.01
TICKS = 41


class Lines(Trajectory[float]):
    """The scene "lines". Each step moves the second line, at t, down the slope of the chosen distance."""

    def __init__(self, setup: Setup, shows: tuple[str, ...] = ()) -> None:
        super().__init__(setup, START)

    def place(self, x: float, y: float) -> None:
        """Begin with the second line at another t."""
        self.begin(min(max(x, -1.0), 1.0))

    def after(self, place: float) -> float:
        """Return t after a step of gradient descent; a slope that is not finite moves nothing."""
        name = DISTANCES[self.setup.positions[0]]
        ahead, behind = (parallel_lines(place + d)[name] for d in (DELTA, -DELTA))
        slope = (ahead - behind) / (2 * DELTA)
        moved = place - RATE * slope if math.isfinite(slope) else place
        return 0.0 if moved * place < 0 else moved

    def frame(self) -> Frame:
        """Return t, the four distances there, and each of them [TICKS] from t = -1 to 1, one after another.

        An infinite one is missing among the numbers, and 0 among the curves.
        """
        t = self.path[self.step]
        found = parallel_lines(t)
        ticks = np.linspace(-1.0, 1.0, TICKS)
        curves = np.array([[parallel_lines(float(each))[name] for each in ticks] for name in DISTANCES])
        return Frame(self.step, {"t": t, **found}, {"curves": np.where(np.isfinite(curves), curves, 0.0)})
