"""Which words of a command are runs: `runs/*` names other things too."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from ganache.core.text import in_one_line


def only_runs(words: Sequence[str], with_checkpoint: bool = False) -> tuple[str, ...]:
    """Return the words that are runs; of several, those that exist and are no run are passed over, which is printed.

    `with_checkpoint`: runs without a checkpoint are passed over too. All words are returned if none is left, so that
    the error for the first one tells what is wrong.
    """
    from ganache.runs.folder import at_step, checkpoints, is_run

    kept: list[str] = []
    passed: list[str] = []
    for word in words:
        folder, which = at_step(word)
        usable = folder.is_dir() and (checkpoints(folder) if with_checkpoint else is_run(folder))
        (kept if usable or which != "last" or not os.path.lexists(word) else passed).append(word)
    if not kept:
        return tuple(words)
    if passed:
        what = "no run with a checkpoint" if with_checkpoint else "no run"
        print(f"ganache: {in_one_line(', '.join(passed))}: passed over, being {what}.", file=sys.stderr)
    return tuple(kept)
