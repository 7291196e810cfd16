"""What lies in a run's folder, and how it is found, read and written: every file whole or not there at all."""

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
from ganache.errors import CheckpointError, ConfigError
from ganache.evaluation.evaluation import Evaluation
from ganache.lab.requests import Kept, build, plain_kept

NAMES = "names.json"
LOCK = ".lock"


def read_config(folder: Path) -> dict[str, Any] | None:
    """The `config.json` of a run folder as plain data, or None."""
    try:
        return old_names.settings(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise CheckpointError(
            f"{folder / 'config.json'} cannot be read ({error}): mend it, or use another --out."
        ) from None


def require_config(folder: Path) -> dict[str, Any]:
    """Return the `config.json` of a run folder as plain data. Raises CheckpointError if the folder is not a run."""
    config = read_config(folder)
    if config is None:
        raise CheckpointError(f"{folder} is not a run: give a folder that `ganache train` wrote.")
    return config


def holds_something_else(folder: Path) -> bool:
    """Whether anything lies in the folder that a run killed in its first moments would not have left there."""
    own = {LOCK, ".config.json.new", "samples", "checkpoints"}
    if not folder.is_dir():
        return folder.exists()
    return any(path.name not in own and not path.name.startswith(storage.TEMPORARY) for path in folder.iterdir())


def checkpoint_path(folder: Path, step: int) -> Path:
    return folder / "checkpoints" / f"{step:09d}{storage.SUFFIX}"


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a run folder, oldest first; temporary files are no checkpoints."""
    return sorted((folder / "checkpoints").glob(f"[0-9]*{storage.SUFFIX}"))


def best_checkpoint(folder: Path) -> Path | None:
    """The one whose pictures were nearest to the real ones."""
    return next(iter(best_checkpoints(folder, 1)), None)


def best_checkpoints(folder: Path, n: int) -> list[Path]:
    """The n whose pictures were nearest to the real ones, the best first; of equals the older."""
    scores = {path: score_of(path) for path in checkpoints(folder)}
    return sorted(scores, key=lambda path: scores[path])[:n]


def score_of(path: Path) -> float:
    """A checkpoint's score; infinite where it has none, as one saved in a hurry."""
    score = storage.read_header(path).get("score")
    return math.inf if score is None else float(score)


def find_checkpoint(folder: str | Path, which: str = "last") -> Path:
    """The file of a run folder's checkpoint "last", "best", or of a step. Raises CheckpointError if there is none."""
    folder = Path(folder)
    kept = checkpoints(folder)
    if not kept:
        raise CheckpointError(f"{folder} is no run with a checkpoint: give the folder that `ganache train` wrote.")
    if which == "best":
        return best_checkpoint(folder) or kept[-1]
    if which == "last":
        return kept[-1]
    path = checkpoint_path(folder, int(which)) if which.isdigit() else None
    if path not in kept:
        steps = ", ".join(str(int(each.stem)) for each in kept)
        raise CheckpointError(
            f"{folder} has no checkpoint '{which}': there are last, best, and those of steps {steps}."
        )
    return path


def at_step(run: str) -> tuple[Path, str]:
    """RUN or RUN@STEP -> (the folder, which checkpoint): a step, "last" or "best".

    >>> at_step("runs/faces@2000")[1], at_step("runs/faces")[1]
    ('2000', 'last')
    """
    if "@" not in run or Path(run).exists():
        return Path(run), "last"
    folder, which = run.rsplit("@", 1)
    return Path(folder), which


def read_names(folder: Path) -> dict[str, Kept]:
    """The latents that were named in a run. Raises CheckpointError where `names.json` cannot be read."""
    path = folder / NAMES
    try:
        return {
            name: build(Kept, {"name": name, **kept}, "latent") for name, kept in json.loads(path.read_text()).items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError, OSError, ConfigError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}): mend it, or remove it.") from None


def write_names(folder: Path, names: Mapping[str, Kept]) -> None:
    """Keep named latents in a run, each under its name."""
    plain = {name: plain_kept(kept) for name, kept in sorted(names.items())}
    write_json(folder / NAMES, {name: {k: v for k, v in kept.items() if k != "name"} for name, kept in plain.items()})


def write_evaluation(folder: Path, evaluation: Evaluation) -> Path:
    """Keep an evaluation in the run; a later one of the same checkpoint by the same features and data takes its place.

    Returns its file.
    """
    made = evaluation.protocol
    path = folder / "evaluations" / f"{made.step or 0:09d}-{made.features}-{made.data_fingerprint[:8]}.json"
    path.parent.mkdir(exist_ok=True)
    write_json(path, asdict(evaluation))
    return path


def read_evaluations(folder: Path) -> list[Evaluation]:
    """The evaluations that a run keeps, by step. Raises CheckpointError where one cannot be read."""
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
            f"{folder} is being trained by another process, or by a Run that is still open in this one: stop that, or "
            "name another folder with --out."
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"{folder} cannot be locked ({error}): check that {folder / LOCK} is an ordinary file that you may "
            "write, or name another folder with --out."
        ) from None
    return held
