"""The interface of a tracker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

Status = Literal["finished", "stopped", "failed"]
"""How a run ends: its budget is spent, the user stopped it, or an error ended it."""


@dataclass(frozen=True)
class Begun:
    """A run of a tracker that has begun, or goes on."""

    id: str
    """What `start` gets as `earlier`, so that the run goes on: at most 100 letters, digits and -_."""
    where: str
    """Where it can be seen: an address, or a command."""


@runtime_checkable
class Tracker(Protocol):
    """Records one run. Every method may raise anything: the tracker is then switched off, and the training goes on.

    Steps never decrease, and no step is sent twice.
    """

    def start(self, name: str, settings: Mapping[str, Any], folder: Path, earlier: str) -> Begun:
        """Begin a run, or go on with the `earlier` one ("" if there is none); `folder` is the run's own."""

    def metrics(self, step: int, numbers: Mapping[str, float]) -> None:
        """Record numbers by name, such as `d/real`."""

    def image(self, step: int, name: str, picture: np.ndarray) -> None:
        """Record a picture, uint8 [H, W, 3]."""

    def text(self, step: int, name: str, sentence: str) -> None:
        """Record sentences, one per line: a notice of the run, or the findings of its diagnosis."""

    def finish(self, status: Status) -> None:
        """Send what is not sent yet, and end the session; a run that was stopped can go on later."""
