"""Automatic decisions of a run. They depend only on what is in its folder, so they survive an interruption."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from ganache.config.sections import RecordConfig
from ganache.core import checkpoint_file
from ganache.core.seeds import MAX_SEED
from ganache.runs.folder import best_checkpoint, checkpoints

MAX_RESTARTS = 5
"""Number of further seeds to try: if six seeds fail, the settings are at fault and not the seed."""

FORMED = 0.85
"""Images whose score is below this share of a blank image's score show something."""


def past_best(folder: Path, patience: int | None, batch: int) -> str | None:
    """Return why the run stops: its newest checkpoint is `patience` real images or more past the best one.

    None if it is not, if `patience` is None, or if the newest checkpoint was saved without a score.
    """
    best_path, paths = best_checkpoint(folder), checkpoints(folder)
    if patience is None or best_path is None:
        return None
    best, newest = checkpoint_file.read_header(best_path), checkpoint_file.read_header(paths[-1])
    if best.get("score") is None or newest.get("score") is None:
        return None
    images = (newest["batch_index"] - best["batch_index"]) * batch
    if images < patience:
        return None
    return (
        f"The run stops because its quality no longer improves: step {best['step']} scored {best['score']:.4g}, step "
        f"{newest['step']} scores {newest['score']:.4g} (lower is better), and no checkpoint was better in the "
        f"{images:,} images between (policy.stop_past_peak); the best checkpoint is kept."
    )


def regular(paths: Sequence[Path], record: RecordConfig) -> list[Path]:
    """Return the checkpoints that an uninterrupted run would have written too: those a run may return to."""
    return [p for p in paths if int(p.stem) % record.checkpoint_every == 0 or int(p.stem) in record.keep_steps]


def has_formed(score: float, blank: float) -> bool:
    """Whether the images are closer to the real ones than a blank image is."""
    return math.isfinite(score) and score < FORMED * blank


def next_seed(seed: int) -> int:
    """Return the seed to try next, far from the consecutive seeds of `--seeds`.

    >>> next_seed(3)
    1003
    """
    return (seed + 1000) % (MAX_SEED + 1)


# ---- what the user is told --------------------------------------------------------------------------------------


def gave_up_sentence(steps: int | None, seeds: int) -> str:
    return (
        f"No image has formed after {steps} steps with any of {seeds} seeds: the run continues with the last one, but "
        "check the learning rates and the data."
    )


def restart_sentence(steps: int, old_seed: int, new_seed: int) -> str:
    return (
        f"No image had formed after {steps} steps with seed {old_seed}: the run restarted with seed {new_seed} "
        "(policy.restart_after)."
    )


def retry_sentence(failed_step: int, step: int) -> str:
    return (
        f"NaN or infinity appeared at step {failed_step}: the run went back to step {step} and continues with both "
        "learning rates halved (policy.retry_nan)."
    )
