"""The files of a run's folder: finding, reading and writing them. Every file is complete or does not exist."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ganache.core import old_names, storage
from ganache.core.storage import write_json
from ganache.core.strict import build
from ganache.errors import CheckpointError, ConfigError
from ganache.evaluation.evaluation import Evaluation
from ganache.lab.points import Kept, kept_to_json

NAMES = "names.json"
LOCK = ".lock"


def read_config(folder: Path) -> dict[str, Any] | None:
    """Return the `config.json` of a run folder as plain data, or None. Raises CheckpointError if it is unreadable."""
    try:
        return old_names.settings(json.loads((folder / "config.json").read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise CheckpointError(
            f"{folder / 'config.json'} cannot be read ({error}): repair it, or use another --out."
        ) from None


def require_config(folder: Path) -> dict[str, Any]:
    """Return the `config.json` of a run folder as plain data. Raises CheckpointError if the folder is not a run."""
    config = read_config(folder)
    if config is None:
        raise CheckpointError(f"{folder} is not a run: give a folder that `ganache train` wrote.")
    return config


def holds_something_else(folder: Path) -> bool:
    """Whether the folder holds files other than those that a run killed during its start leaves behind."""
    own = {LOCK, ".config.json.new", "samples", "checkpoints"}
    if not folder.is_dir():
        return folder.exists()
    return any(path.name not in own and not path.name.startswith(storage.TEMPORARY) for path in folder.iterdir())


def checkpoint_path(folder: Path, step: int) -> Path:
    """Return the path of the checkpoint of a step, whether it exists or not."""
    return folder / "checkpoints" / f"{step:09d}{storage.SUFFIX}"


def checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a run folder, oldest first, without temporary files."""
    return sorted((folder / "checkpoints").glob(f"[0-9]*{storage.SUFFIX}"))


def best_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint with the best score, or None."""
    return next(iter(best_checkpoints(folder, 1)), None)


def best_checkpoints(folder: Path, n: int) -> list[Path]:
    """Return the n checkpoints with the best scores, best first; of equal scores the older comes first."""
    scores = {path: score_of(path) for path in checkpoints(folder)}
    return sorted(scores, key=lambda path: scores[path])[:n]


def score_of(path: Path) -> float:
    """Return the score of a checkpoint, lower is better; infinite if it was saved without one."""
    score = storage.read_header(path).get("score")
    return math.inf if score is None else float(score)


def find_checkpoint(folder: str | Path, which: str = "last") -> Path:
    """Return the checkpoint "last", "best", or of a step, of a run folder. Raises CheckpointError if there is none."""
    folder = Path(folder)
    kept = checkpoints(folder)
    if not kept:
        raise CheckpointError(f"{folder} is not a run with a checkpoint: give a folder that `ganache train` wrote.")
    if which == "best":
        return best_checkpoint(folder) or kept[-1]
    if which == "last":
        return kept[-1]
    path = checkpoint_path(folder, int(which)) if which.isdigit() else None
    if path not in kept:
        steps = ", ".join(str(int(kept_path.stem)) for kept_path in kept)
        raise CheckpointError(f"{folder} has no checkpoint '{which}': use last, best, or one of the steps {steps}.")
    return path


def at_step(run: str) -> tuple[Path, str]:
    """Split RUN or RUN@STEP into (folder, checkpoint); the checkpoint is a step, "last" or "best".

    >>> at_step("runs/faces@2000")[1], at_step("runs/faces")[1]
    ('2000', 'last')
    """
    if "@" not in run or Path(run).exists():
        return Path(run), "last"
    folder, which = run.rsplit("@", 1)
    return Path(folder), which


def read_names(folder: Path) -> dict[str, Kept]:
    """Return the named latents of a run. Raises CheckpointError if `names.json` is unreadable."""
    path = folder / NAMES
    try:
        plain = json.loads(path.read_text(encoding="utf-8-sig"))
        return {name: build(Kept, {"name": name, **kept}, "latent") for name, kept in plain.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError, OSError, ConfigError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}): repair it, or remove it.") from None


def write_names(folder: Path, names: Mapping[str, Kept]) -> None:
    """Write the named latents of a run."""
    plain = {name: kept_to_json(kept) for name, kept in sorted(names.items())}
    write_json(folder / NAMES, {name: {k: v for k, v in kept.items() if k != "name"} for name, kept in plain.items()})


def write_evaluation(folder: Path, evaluation: Evaluation) -> Path:
    """Write an evaluation into the run's folder and return its path.

    It replaces an earlier evaluation of the same checkpoint with the same features and data.
    """
    protocol = evaluation.protocol
    path = folder / "evaluations" / f"{protocol.step or 0:09d}-{protocol.features}-{protocol.data_fingerprint[:8]}.json"
    path.parent.mkdir(exist_ok=True)
    write_json(path, asdict(evaluation))
    return path


def read_evaluations(folder: Path) -> list[Evaluation]:
    """Return the evaluations in a run's folder, sorted by step. Raises CheckpointError if one is unreadable."""
    found = []
    for path in sorted((folder / "evaluations").glob("[0-9]*.json")):
        try:
            found.append(Evaluation.from_json(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, KeyError, OSError) as error:
            raise CheckpointError(
                f"{path} cannot be read as an evaluation ({error}): remove it, and evaluate again."
            ) from None
    return found


def lock(folder: Path) -> FileLock:
    """Lock `folder` against training by other processes, until the returned lock is released or this process ends.

    The lock is the system's, on the file `.lock`, whose content is neither read nor changed; a link is refused. Raises
    CheckpointError if another process, or another lock of this process, holds it, or if it cannot be taken.
    """
    held = FileLock(folder / LOCK, timeout=0, thread_local=False, fallback_to_soft=False)
    try:
        held.acquire()
    except Timeout:
        raise CheckpointError(
            f"{folder} is in use by another process, or by a Run that is still open in this one: stop that one, or "
            "choose another folder with --out."
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"{folder} cannot be locked ({error}): check that {folder / LOCK} is an ordinary file that you may "
            "write, or choose another folder with --out."
        ) from None
    return held
