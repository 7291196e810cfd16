"""The Dirac-GAN (Mescheder et al. 2018) as a scene: the arrows of gradient descent, and the path of one training.

The real data are one point at 0, the generated data one point at theta, and the critic is D(x) = psi x. The goal is
theta = psi = 0.
"""

from __future__ import annotations

import numpy as np
import torch

from ganache.claims.dirac import CELLS, LIMIT, START, Place, descend, directions
from ganache.lessons.scene import Frame
from ganache.lessons.stepping import Setup
from ganache.training import build
from ganache.types import Method


class Dirac:
    """The scene "dirac": the method and the generator's learning rate are those of the settings."""

    def __init__(self, setup: Setup, shows: tuple[str, ...] = ()) -> None:
        self.path: list[Place] = [START]
        self.step = 0
        self.change(setup)

    def change(self, setup: Setup) -> None:
        """Go on with another method or rate."""
        self.method: Method = build.resolve(setup.config).method
        self.setup, self.rate = setup, setup.config.generator_optimiser.lr
        del self.path[self.step + 1 :]
        ticks = torch.linspace(-LIMIT, LIMIT, CELLS, dtype=torch.float64)
        psi, theta = (grid.flatten() for grid in torch.meshgrid(ticks, ticks, indexing="ij"))
        self.field = torch.stack([theta, psi, *directions(self.method, theta, psi)], dim=1).numpy()

    def place(self, x: float, y: float) -> None:
        """Begin anew at another (theta, psi)."""
        self.path, self.step = [(min(max(x, -LIMIT), LIMIT), min(max(y, -LIMIT), LIMIT))], 0

    def advance(self) -> None:
        """Take one step of alternating gradient descent, the critic first."""
        if self.step + 1 == len(self.path):
            moved = descend(self.method, self.path[-1], self.rate)
            self.path.append(moved if np.isfinite(moved).all() else self.path[-1])
        self.step += 1

    def go(self, step: int) -> None:
        """Go to a step."""
        self.step = min(step, len(self.path) - 1)
        while self.step < step:
            self.advance()

    def frame(self) -> Frame:
        path = np.array(self.path[: self.step + 1])
        return Frame(self.step, {"goal distance": float(np.hypot(*path[-1]))}, {"field": self.field, "path": path})
