"""Small snapshots of the generator over the whole training, so that it can be played; no run needs them to resume.

A snapshot is a checkpoint with the generator that samples come from, alone and in float16. At most MAX_SNAPSHOTS stay.
Their steps are cubes, evenly spaced in the cube root: many early, when most changes, and some late. They depend on
nothing but the step, so that an interrupted run keeps the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ganache.core import checkpoint_file
from ganache.core.checkpoint_file import SUFFIX
from ganache.runs.file_names import history_path, step_of
from ganache.runs.folder import snapshots
from ganache.types import Generator

MAX_SNAPSHOTS = 32
FINEST = 2
"""Snapshots from one whole cube root to the next, at first."""


def steps_to_keep(step: int) -> list[int]:
    """Return the steps up to `step` whose snapshots a run keeps, oldest first: 15 to 32 after step 512.

    >>> steps_to_keep(100), steps_to_keep(10_000)[:6], steps_to_keep(10_000)[-2:]
    ([1, 3, 8, 16, 27, 43, 64, 91], [1, 8, 27, 64, 125, 216], [8000, 9261])
    """
    stride = 1
    while round((stride * MAX_SNAPSHOTS / FINEST) ** 3) <= step:
        stride *= 2
    cubes = (round((stride * number / FINEST) ** 3) for number in range(1, MAX_SNAPSHOTS))
    return sorted({1, *(cube for cube in cubes if 1 <= cube <= step)})


def keep_snapshot(folder: Path, step: int, generator: Generator, part: str, header: Mapping[str, Any]) -> None:
    """Write the snapshot of a step, and remove those that are no longer to keep.

    `part` names the generator as in a checkpoint: "average" or "generator". A snapshot that cannot be written, or whose
    weights are too large for float16, is left out.
    """
    state = generator.state_dict().items()
    tensors = {f"{part}.{name}": each.half() if each.is_floating_point() else each for name, each in state}
    if all(each.isfinite().all() for each in tensors.values()):
        with suppress(OSError):
            checkpoint_file.save(history_path(folder, step), tensors, header)
    remove_others(folder, step)


def remove_others(folder: Path, step: int) -> None:
    """Remove the snapshots that a run does not keep at this step; after a return to it, those of later steps."""
    kept = set(steps_to_keep(step))
    for path in snapshots(folder):
        if step_of(path.name, SUFFIX) not in kept:
            with suppress(OSError):
                path.unlink()
