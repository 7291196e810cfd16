"""trackio: a data base on this machine (TRACKIO_DIR), or a server or Space that its variables name.

`trackio show` shows it in a browser.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import trackio

from ganache.runs.trackers.tracker import Begun, Status, Tracker


class Trackio(Tracker):
    """A run of the project of TRACKIO_PROJECT, or of `ganache`. trackio finds its runs by their names."""

    def start(self, name: str, settings: Mapping[str, Any], folder: Path, earlier: str) -> Begun:
        project = os.environ.get("TRACKIO_PROJECT", "ganache")
        unique = earlier or f"{re.sub(r'[^a-zA-Z0-9_]+', '-', name)[:80]}-{secrets.token_hex(3)}"
        self._run = trackio.init(
            project, unique, config=dict(settings), resume="allow" if earlier else "never", embed=False
        )
        return Begun(unique, shlex.join(["trackio", "show", "--project", project]))

    def metrics(self, step: int, numbers: Mapping[str, float]) -> None:
        self._run.log(dict(numbers), step=step)

    def image(self, step: int, name: str, picture: np.ndarray) -> None:
        self._run.log({name: trackio.Image(picture)}, step=step)

    def text(self, step: int, name: str, sentence: str) -> None:
        self._run.log({name: sentence}, step=step)

    def finish(self, status: Status) -> None:
        trackio.finish()  # also of trackio's own list of runs, which it would end at the exit
