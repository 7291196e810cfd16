"""Runs as models for the experiments of `lab`: generators with their priors, and the data they were trained on."""

from __future__ import annotations

import warnings
from pathlib import Path

from ganache.config.config import Config
from ganache.core.checkpoint_file import read_header
from ganache.core.images import Pictures
from ganache.core.rendering import Model
from ganache.data import Dataset
from ganache.errors import DataError, GanacheWarning
from ganache.runs.checkpoint import load_generator
from ganache.runs.data import is_training_data, run_data
from ganache.training import build


def load_model(checkpoint: Path, name: str, average: bool = True) -> tuple[Model, Config]:
    """Return (the generator of a checkpoint, captioned with `name` and its step; the run's settings).

    A generator of points comes with the points of the run's data, if they are found.
    """
    generator, config, header = load_generator(checkpoint, average)
    real = real_points(checkpoint) if len(generator.image_shape) == 1 else None
    return Model(generator, build.prior(config), f"{name}, step {header['step']:,}", real), config


def real_points(checkpoint: Path) -> Pictures | None:
    """Return the points [N, 2] that a run was trained on; None if they are not found."""
    try:
        return run_data(checkpoint, download=False).images
    except DataError:
        return None


def real_data(checkpoint: Path, source: str = "", progress: bool = False, download: bool = True) -> Dataset:
    """Return the run's data, or those of `source` at the run's size.

    Raises DataError as `run_data` does; a warning tells that `source` is not what the run was trained on.
    """
    data = run_data(checkpoint, source, progress=progress, download=download)
    if source and not is_training_data(read_header(checkpoint), data):
        run = checkpoint.parent.parent
        warnings.warn(f"{data.name} is not the data that {run} was trained on.", GanacheWarning, stacklevel=2)
    return data
