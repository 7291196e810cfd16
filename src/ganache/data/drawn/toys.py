"""2-D toy distributions with known modes, so that the modes that a generator misses can be counted.

All lie roughly in [-1, 1]^2. The shapes are those of the WGAN-GP paper (Gulrajani et al. 2017, figure 1); the line is
that of the WGAN paper (Arjovsky et al. 2017, example 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

_RING_RADIUS = 0.8
_STD = 0.02


@dataclass(frozen=True)
class Toy:
    """A distribution in the plane."""

    name: str
    draw: Callable[[np.random.Generator, int], tuple[Points, NDArray[np.int64] | None]]
    """(generator, n) -> points float32 [n, 2], and the index of each point's mode, int64 [n]; None without modes."""

    centres: Points | None = None
    """Centres of the modes [K, 2]; None without modes."""

    std: float | None = None
    """Standard deviation of each mode, per coordinate; None without modes."""

    def sample(self, count: int, seed: int = 0) -> tuple[Points, NDArray[np.int64] | None]:
        """Return `count` points float32 [count, 2] and their modes int64 [count]; they depend on the seed only."""
        return self.draw(np.random.default_rng(seed), count)


def _gaussians(name: str, centres: NDArray[np.float64], std: float) -> Toy:
    """Return an equal mixture of isotropic Gaussians with these centres [K, 2]."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Points, NDArray[np.int64]]:
        mode = rng.integers(len(centres), size=n)
        points = centres[mode] + std * rng.standard_normal((n, 2))
        return points.astype(np.float32), mode

    return Toy(name, draw, centres.astype(np.float32), std)


def _ring8() -> Toy:
    angles = 2 * np.pi * np.arange(8) / 8
    return _gaussians("ring8", _RING_RADIUS * np.stack([np.cos(angles), np.sin(angles)], axis=1), _STD)


def _grid25() -> Toy:
    ticks = np.linspace(-0.8, 0.8, 5)
    return _gaussians("grid25", np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), _STD)


def _swissroll(rng: np.random.Generator, n: int) -> tuple[Points, None]:
    """Draw one and a half turns of a spiral, denser near the centre, with Gaussian noise."""
    angle = 1.5 * np.pi * (1 + 2 * rng.random(n))
    roll = np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1) / (4.5 * np.pi)
    return (roll + _STD * rng.standard_normal((n, 2))).astype(np.float32), None


def _lines(rng: np.random.Generator, n: int) -> tuple[Points, None]:
    """Draw (0, Z) with Z uniform on [0, 1]: the segment that is compared with its translations."""
    return np.stack([np.zeros(n), rng.random(n)], axis=1).astype(np.float32), None


TOYS = {
    "grid25": _grid25(),
    "lines": Toy("lines", _lines),
    "ring8": _ring8(),
    "swissroll": Toy("swissroll", _swissroll),
}
