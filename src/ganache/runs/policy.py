"""What a run does by itself: decisions from what lies in its folder, so that they survive a stop at any moment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ganache.config.sections import RecordConfig
from ganache.core import storage
from ganache.runs.folder import best_checkpoint, checkpoints

MOST_RESTARTS = 5
"""Seeds tried after the first one: where six fail, the settings are at fault, not the seed."""

FORMED = 0.85
"""A score below this share of that of a blank picture means that something has formed."""


def past_peak(folder: Path, patience: int | None, batch: int) -> str | None:
    """Why the run is over: its newest checkpoint, which has a score, is `patience` real pictures past the best one.

    None where it is not, or was saved in a hurry, without a score.
    """
    best, kept = best_checkpoint(folder), checkpoints(folder)
    if patience is None or best is None:
        return None
    peak, newest = storage.read_header(best), storage.read_header(kept[-1])
    if peak.get("score") is None or newest.get("score") is None:
        return None
    since = (newest["batch_index"] - peak["batch_index"]) * batch
    if since < patience:
        return None
    return (
        f"Quality has passed its peak: step {peak['step']} scored {peak['score']:.4g}, step {newest['step']} scores "
        f"{newest['score']:.4g}, and nothing was better in the {since:,} pictures between (policy.stop_past_peak): "
        "the best checkpoint is kept."
    )


def regular(paths: Sequence[Path], record: RecordConfig) -> list[Path]:
    """The checkpoints that a run which was never stopped has written too: to one of them it may go back."""
    return [p for p in paths if int(p.stem) % record.checkpoint_every == 0 or int(p.stem) in record.keep_steps]


def has_formed(score: float, blank: float) -> bool:
    """Whether the pictures are nearer to the real ones than a blank picture is."""
    return math.isfinite(score) and score < FORMED * blank


def seed_after(seed: int) -> int:
    """The seed to try next: far from the neighbours, which `--seeds` takes.

    >>> seed_after(3)
    1003
    """
    return seed + 1000
