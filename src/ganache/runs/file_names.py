"""The names of the files in a run's folder."""

from __future__ import annotations

from pathlib import Path

from ganache.core.checkpoint_file import SUFFIX

NAMES = "names.json"
MAX_JSON = 2**24
"""Bytes of a JSON file: 1,000 names of latents with 512 numbers each. Reading it takes many times its size."""
PARTS = {"checkpoints": SUFFIX, "history": SUFFIX, "samples": ".png"}
"""The folders of a run with one file per step, and the suffix of these files."""


def checkpoint_path(folder: Path, step: int) -> Path:
    """Return the path of the checkpoint of a step, whether it exists or not."""
    return folder / "checkpoints" / f"{step:09d}{SUFFIX}"


def history_path(folder: Path, step: int) -> Path:
    """Return the path of the snapshot of a step, whether it exists or not."""
    return folder / "history" / f"{step:09d}{SUFFIX}"


def sample_path(folder: Path, step: int) -> Path:
    """Return the path of the samples of a step, whether they exist or not."""
    return folder / "samples" / f"{step:09d}.png"


def step_of(name: str, suffix: str) -> int | None:
    """Return the step in a name that ganache gives to a file; None for every other name.

    >>> step_of("000000200.png", ".png"), step_of("200.png", ".png"), step_of("000000200-good.png", ".png")
    (200, None, None)
    """
    stem = name.removesuffix(suffix)
    own = stem.isascii() and stem.isdigit() and len(stem) < 20 and name == f"{int(stem):09d}{suffix}"
    return int(stem) if own else None
