"""Which checkpoints a run keeps."""

from __future__ import annotations

from pathlib import Path

from ganache.config.sections import PolicyConfig, RecordConfig
from ganache.runs.file_names import checkpoint_path
from ganache.runs.folder import best_checkpoints, checkpoints
from ganache.runs.policy import regular


def remove_old_checkpoints(folder: Path, record: RecordConfig, policy: PolicyConfig) -> None:
    """Keep the newest checkpoints, the best ones and those of `record.keep_steps`; remove the others.

    With `policy.retry_nan` the newest regular checkpoint stays too, because the run may return to it.
    """
    present = checkpoints(folder)
    kept = {*present[-record.keep :], *best_checkpoints(folder, policy.keep_best)}
    kept |= {checkpoint_path(folder, step) for step in record.keep_steps}
    if policy.retry_nan:
        kept |= set(regular(present, record)[-1:])
    for path in present:
        if path not in kept:
            path.unlink()
