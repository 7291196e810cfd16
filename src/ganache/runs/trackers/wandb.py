"""Weights & Biases: the service, or with WANDB_MODE=offline the folder `wandb/` of a run, which `wandb sync` sends."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import wandb

from ganache.core import storage
from ganache.runs.trackers.tracker import Begun, Status, Tracker

PATIENCE = 60.0
"""Seconds that the service has to answer at the beginning, and to take the rest at the end."""


class Wandb(Tracker):
    """A run of the project of WANDB_PROJECT, or of `ganache`."""

    def start(self, name: str, settings: Mapping[str, Any], folder: Path, earlier: str) -> Begun:
        storage.create_folder(folder / "wandb")
        own = wandb.Settings(
            silent=True,
            console="off",  # what the program prints is not sent, nor the state of a repository that it was started in
            disable_git=True,
            disable_code=True,
            init_timeout=PATIENCE,
            finish_timeout=PATIENCE,
            finish_timeout_raises=True,
        )
        if wandb.setup(own).settings.mode == "online" and not wandb.api.api_key:  # else it would ask for one
            raise RuntimeError("it has no key: run  wandb login  first, or set WANDB_MODE=offline")
        self._run = wandb.init(
            project=os.environ.get("WANDB_PROJECT", "ganache"),
            name=name,
            id=earlier or None,
            resume="allow",
            dir=folder,
            config=dict(settings),
            allow_val_change=True,
            reinit="create_new",
            settings=own,
        )
        return Begun(self._run.id, self._run.url or shlex.join(["wandb", "sync", self._run.settings.sync_dir]))

    def metrics(self, step: int, numbers: Mapping[str, float]) -> None:
        self._run.log(dict(numbers), step=step)

    def image(self, step: int, name: str, picture: np.ndarray) -> None:
        self._run.log({name: wandb.Image(picture)}, step=step)

    def text(self, step: int, name: str, sentence: str) -> None:
        self._run.log({name: sentence}, step=step)

    def finish(self, status: Status) -> None:
        self._run.finish(exit_code=1 if status == "failed" else 0)
