"""A scene: what a lesson shows. It goes on step by step, and a frame says how it looks, as numbers and arrays.

A frame is sent to the page, and stored in a recording, as a header in JSON and the arrays' bytes: numbers of 16 bits
between the smallest and the largest of an array, of 8 bits for the critic's surface.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ganache.config.config import Config
from ganache.output.export.controls import six_digits

Array = NDArray[Any]
COARSE = ("surface",)
"""Arrays of which 8 bits per number are enough."""


@dataclass(frozen=True)
class Frame:
    """How a scene looks after a step."""

    step: int
    numbers: Mapping[str, float]
    """By name; those that are not finite are left out when the frame is encoded."""
    arrays: Mapping[str, Array] = field(default_factory=dict)
    pictures: tuple[bytes, ...] = ()
    """Image files."""
    words: tuple[str, ...] = ()
    """Sentences about what went wrong, or what was found."""


@dataclass(frozen=True)
class Setup:
    """The settings from one step on. They may change while the scene goes on."""

    config: Config
    positions: tuple[int, ...] = ()
    """Of the lesson's knobs."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the reader's own, by section."""
    drawn: NDArray[np.float32] | None = None
    """Real points [N, 2] of the reader's own, in place of the data."""


class Scene(Protocol):
    """What is shown on one side of a lesson."""

    @property
    def step(self) -> int: ...

    @property
    def setup(self) -> Setup:
        """The present settings."""

    def change(self, setup: Setup) -> None:
        """Go on with other settings."""

    def advance(self) -> None:
        """Go on by one step."""

    def go(self, step: int) -> None:
        """Go to a step, earlier or later."""

    def frame(self) -> Frame: ...


def encode(frame: Frame, coarse: bool = False) -> tuple[dict[str, Any], list[bytes]]:
    """Return a frame as a header in plain data, and blobs: an array each in the header's order, then the pictures.

    `coarse`: 8 bits for each number of an array.
    """
    header: dict[str, Any] = {"step": frame.step, "words": list(frame.words), "pictures": len(frame.pictures)}
    header["numbers"] = {name: six_digits(value) for name, value in frame.numbers.items() if math.isfinite(value)}
    header["arrays"], blobs = [], []
    for name, array in frame.arrays.items():
        coded = np.nan_to_num(np.asarray(array, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
        low, high = (float(coded.min()), float(coded.max())) if coded.size else (0.0, 0.0)
        bits = 8 if coarse or name in COARSE else 16
        share = (coded - low) / (high - low) if high > low else np.zeros_like(coded)
        blobs.append((share * (2**bits - 1)).round().astype(f"<u{bits // 8}").tobytes())
        ends = {"low": six_digits(low), "high": six_digits(high)}
        header["arrays"].append({"name": name, "shape": list(coded.shape), "bits": bits, **ends})
    return header, [*blobs, *frame.pictures]
