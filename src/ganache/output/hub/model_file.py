"""The checkpoint that is shared: the networks of a run without its optimisers, and settings without local paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ganache.config.config import to_dict
from ganache.core import checkpoint_file
from ganache.runs.checkpoint import load_run
from ganache.runs.data import DATA_PATHS
from ganache.runs.named import public_name

GENERATORS, CRITIC = ("average.", "generator."), "critic."
"""The beginnings of the names of tensors that are shared: the rest are averages of the optimisers."""


def write_shared(checkpoint: Path, file: Path, critic: bool = True) -> None:
    """Write the model of a run's checkpoint.

    `critic`: include the critic and the generator in training too, from which another run can start; without them
    the file has the generator that makes pictures, alone. Raises CheckpointError for a damaged checkpoint.
    """
    tensors, config, header = load_run(checkpoint)
    present = tuple(part for part in GENERATORS if any(name.startswith(part) for name in tensors))
    kept = (*present, CRITIC) if critic else present[:1]
    shared = {name: tensor for name, tensor in tensors.items() if name.startswith(kept)}
    about = {name: value for name, value in header.items() if name not in ("format", "sha256", DATA_PATHS)}
    checkpoint_file.save(file, shared, about | {"config": without_paths(to_dict(config))})


def without_paths(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as plain data in which data, recipe and origin have names and no paths."""
    data, start = settings["data"], settings["start"]
    return settings | {
        "recipe": public_name(settings["recipe"]).removesuffix(".toml"),
        "data": data | {"source": public_name(data["source"])},
        "start": start | {"source": public_name(start["source"])},
    }
