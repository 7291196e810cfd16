"""Trackers: programs and services beside the run's folder that show what it logs. One file per tracker."""

from __future__ import annotations

from ganache.core.table import Entry, Lazy, Table
from ganache.runs.trackers.tracker import Tracker

TRACKERS: Table[type[Tracker]] = Table(
    Entry("TRACKERS", "tracker", Tracker),
    {
        "mlflow": Lazy("ganache.runs.trackers.mlflow:Mlflow"),
        "tensorboard": Lazy("ganache.runs.trackers.tensorboard:Tensorboard"),
        "trackio": Lazy("ganache.runs.trackers.trackio:Trackio"),
        "wandb": Lazy("ganache.runs.trackers.wandb:Wandb"),
    },
)
"""Each file imports its library at the top: ImportError says that the extra of the same name is missing."""
