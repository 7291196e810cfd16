"""MLflow: the server or store of MLFLOW_TRACKING_URI; without it `mlflow.db` and `mlruns/` in the working directory."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from ganache.runs.trackers.tracker import Begun, Status, Tracker

STATUSES = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}
IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
"""Instead of seven retries of two minutes each, for which the training would wait."""
MOST_PARAMS = 100
"""Parameters in one request."""


class Mlflow(Tracker):
    """A run of the experiment of MLFLOW_EXPERIMENT_NAME, or of `ganache`."""

    def start(self, name: str, settings: Mapping[str, Any], folder: Path, earlier: str) -> Begun:
        for variable, value in IMPATIENT.items():
            os.environ.setdefault(variable, value)
        logging.getLogger("mlflow").setLevel(logging.ERROR)  # it prints lines on the tables of a new data base
        logging.getLogger("alembic").setLevel(logging.ERROR)
        self._client = MlflowClient()
        if earlier:
            self._client.update_run(earlier, status="RUNNING")
            self._id = earlier
        else:
            title = os.environ.get("MLFLOW_EXPERIMENT_NAME", "ganache")
            known = self._client.get_experiment_by_name(title)
            experiment = known.experiment_id if known else self._client.create_experiment(title)
            self._id = self._client.create_run(experiment, run_name=name).info.run_id
            params = [Param(key, str(value)) for key, value in flat(settings)]
            for start in range(0, len(params), MOST_PARAMS):
                self._client.log_batch(self._id, params=params[start : start + MOST_PARAMS])
        return Begun(self._id, f"run {self._id} in {self._client.tracking_uri}")

    def metrics(self, step: int, numbers: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        self._client.log_batch(self._id, [Metric(name, value, now, step) for name, value in numbers.items()])

    def image(self, step: int, name: str, picture: np.ndarray) -> None:
        self._client.log_image(self._id, picture, key=name, step=step, synchronous=True)

    def text(self, step: int, name: str, sentence: str) -> None:
        self._client.set_tag(self._id, f"{name} {step:09d}", sentence)

    def finish(self, status: Status) -> None:
        self._client.set_terminated(self._id, STATUSES[status])


def flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (section.field, value) of nested settings."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
