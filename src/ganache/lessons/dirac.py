"""The Dirac-GAN (Mescheder et al. 2018) as a scene: the arrows of gradient descent, and the path of one training.

The real data are one point at 0, the generated data one point at theta, and the critic is D(x) = psi x. The goal is
theta = psi = 0.
"""

from __future__ import annotations

import numpy as np
import torch

from ganache.claims.dirac import CELLS, LIMIT, START, Place, descend, directions
from ganache.lessons.path import Trajectory
from ganache.lessons.scene import Frame, Setup
from ganache.training import build
from ganache.types import Method


class Dirac(Trajectory[Place]):
    """The scene "dirac": the method and the generator's learning rate are those of the settings."""

    def __init__(self, setup: Setup, shows: tuple[str, ...] = ()) -> None:
        super().__init__(setup, START)

    def change(self, setup: Setup) -> None:
        super().change(setup)
        self.method: Method = build.resolve(setup.config).method
        ticks = torch.linspace(-LIMIT, LIMIT, CELLS, dtype=torch.float64)
        psi, theta = (grid.flatten() for grid in torch.meshgrid(ticks, ticks, indexing="ij"))
        self.field = torch.stack([theta, psi, *directions(self.method, theta, psi)], dim=1).numpy()

    def place(self, x: float, y: float) -> None:
        self.begin((min(max(x, -LIMIT), LIMIT), min(max(y, -LIMIT), LIMIT)))

    def after(self, place: Place) -> Place:
        """Return (theta, psi) after a step of gradient descent, or the same place where that is not finite."""
        moved = descend(self.method, place, self.setup.config.generator_optimiser.lr)
        return moved if np.isfinite(moved).all() else place

    def frame(self) -> Frame:
        path = np.array(self.path[: self.step + 1])
        return Frame(self.step, {"goal distance": float(np.hypot(*path[-1]))}, {"field": self.field, "path": path})
