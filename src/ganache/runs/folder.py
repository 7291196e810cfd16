"""The files of a run's folder: finding, reading and writing them. Every file is complete or does not exist."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ganache.config.config import require_sections
from ganache.core import old_names, storage
from ganache.core.checkpoint_file import SUFFIX, read_header
from ganache.core.storage import json_text, write_json
from ganache.core.strict import build, read_record
from ganache.errors import CheckpointError, ConfigError
from ganache.evaluation.evaluation import Evaluation
from ganache.lab.points import Kept, kept_to_json, raise_unknown_name
from ganache.runs.file_names import MAX_JSON, NAMES, PARTS, step_of
from ganache.runs.lease import LEASE
from ganache.runs.lock import LOCK, NAMES_LOCK, names_lock
from ganache.runs.named import ON_HUB, is_named


@dataclass(frozen=True)
class AboutRun:
    """What `config.json` holds besides the settings, which `config` checks."""

    data_fingerprint: str = ""
    data_paths: tuple[str, ...] = ()
    machine: str = ""
    """The processor or GPU on which the run was started or last resumed."""


def read_config(folder: Path) -> dict[str, Any] | None:
    """Return the `config.json` of a run folder as plain data, or None. Raises CheckpointError if it is unreadable."""
    try:
        found = old_names.settings(json.loads(storage.read_text(folder / "config.json", MAX_JSON)))
        require_sections(found)
        read_record(AboutRun, found, "file")
        return found
    except FileNotFoundError:
        return None
    except (ValueError, OSError, RecursionError, ConfigError) as error:
        raise CheckpointError(
            f"{folder / 'config.json'} cannot be read ({error}): repair it; or remove it, as checkpoints hold the same "
            "settings; or use another --out."
        ) from None


def is_run(folder: Path) -> bool:
    """Whether the folder is a run: it has the file of settings, or a checkpoint."""
    return os.path.lexists(folder / "config.json") or bool(checkpoints(folder))


def require_run(folder: Path) -> None:
    """Raise CheckpointError if the folder is not a run."""
    if not is_run(folder):
        raise CheckpointError(f"{folder} is not a run: give a folder that `ganache train` wrote.")


def holds_something_else(folder: Path) -> bool:
    """Whether the folder holds files other than those that a run killed during its start leaves behind."""
    if not folder.is_dir():
        return folder.exists()
    for path in folder.iterdir():
        if path.name in PARTS and path.is_dir() and not path.is_symlink():
            if any(step_of(each.name, PARTS[path.name]) is None for each in path.iterdir()):
                return True
        elif path.name not in (LOCK, NAMES_LOCK, LEASE) and not storage.is_temporary(path.name):
            return True
    return False


def checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a run folder, oldest first. Raises CheckpointError if the folder cannot be read."""
    return files_by_step(folder, "checkpoints")


def snapshots(folder: Path) -> list[Path]:
    """Return the snapshots in `history/`, oldest first. Raises CheckpointError if the folder cannot be read."""
    return files_by_step(folder, "history")


def generators(folder: Path) -> list[Path]:
    """Return one file with a generator per step, oldest first: the checkpoint, or else the snapshot."""
    by_step = {path.name: path for path in (*snapshots(folder), *checkpoints(folder))}
    return [by_step[name] for name in sorted(by_step, key=lambda name: step_of(name, SUFFIX) or 0)]


def samples(folder: Path) -> list[Path]:
    """Return the pictures in `samples/`, oldest first. Raises CheckpointError if the folder cannot be read."""
    return files_by_step(folder, "samples")


def files_by_step(folder: Path, part: str) -> list[Path]:
    """Return the files in `checkpoints/` or `samples/` that ganache named, oldest first; other files are not ours."""
    try:
        with os.scandir(storage.require_folder(folder / part)) as entries:
            found = {step_of(entry.name, PARTS[part]): folder / part / entry.name for entry in entries}
    except FileNotFoundError:
        return []
    except OSError as error:
        if folder.is_file():
            raise CheckpointError(
                f"{folder} is a file, and this needs a run's folder: give RUN, RUN@STEP or a file in RUN/checkpoints."
            ) from None
        raise CheckpointError(
            f"{folder / part} cannot be read ({error.strerror or error}): make it an ordinary folder that you may read."
        ) from None
    return [found[step] for step in sorted(step for step in found if step is not None)]


def best_checkpoint(folder: Path) -> Path | None:
    """Return the checkpoint with the best score, or None."""
    return next(iter(best_checkpoints(folder, 1)), None)


def best_checkpoints(folder: Path, n: int) -> list[Path]:
    """Return the n checkpoints with the best scores, best first; of equal scores the older comes first."""
    scores = {path: score_of(path) for path in checkpoints(folder)}
    return sorted(scores, key=lambda path: scores[path])[:n]


def score_of(path: Path) -> float:
    """Return the score of a checkpoint, lower is better; infinite if it was saved without one."""
    score = read_header(path).get("score")
    return math.inf if score is None else float(score)


def find_checkpoint(folder: str | Path, which: str = "last") -> Path:
    """Return the checkpoint "last", "best", or of a step, of a run folder. Raises CheckpointError if there is none.

    Of a step without a checkpoint, the snapshot in `history/` is returned, which holds the averaged generator alone.

    A checkpoint that was copied out of its run is found in the place of a folder, as is a model with a name (`named`).
    """
    folder = at_step(folder)[0] if is_named(folder) else Path(folder)
    if folder.suffix == SUFFIX and folder.is_file():
        return folder
    kept = checkpoints(folder)
    if not kept:
        raise CheckpointError(f"{folder} is not a run with a checkpoint: give a folder that `ganache train` wrote.")
    if which == "best":
        return best_checkpoint(folder) or kept[-1]
    if which == "last":
        return kept[-1]
    every = generators(folder)
    found = [path for path in every if str(step_of(path.name, SUFFIX)) == (which.lstrip("0") or "0")]
    if not found:
        steps = ", ".join(str(int(path.stem)) for path in every[-20:])
        some = "the steps" if len(every) <= 20 else f"the {len(every)} steps, such as"
        raise CheckpointError(f"{folder} has no checkpoint '{which[:40]}': use last, best, or one of {some} {steps}.")
    return found[0]


def at_step(run: str | Path) -> tuple[Path, str]:
    """Split RUN, RUN@STEP or the path of a run's checkpoint into (folder, checkpoint): a step, "last" or "best".

    A model with a name (`named`: example, hf:owner/name@REVISION) is a run in the cache, and @ does not split it.
    Raises CheckpointError if there is none.

    >>> at_step("runs/faces@2000")[1], at_step("runs/faces")[1]
    ('2000', 'last')
    """
    # These modules import PyTorch.
    if str(run).startswith(ON_HUB):
        from ganache.runs.hub import local_run

        return local_run(str(run)), "last"
    if is_named(run):
        from ganache.runs.example import example_run

        return example_run(), "last"
    path = Path(run)
    step = step_of(path.name, SUFFIX)
    if step is not None and path.absolute().parent.name in ("checkpoints", "history"):
        return path.parent.parent if path.parent.name else path.absolute().parent.parent, str(step)
    if "@" not in str(run) or os.path.lexists(path):
        return path, "last"
    folder, which = str(run).rsplit("@", 1)
    return Path(folder), which


def read_names(folder: Path) -> dict[str, Kept]:
    """Return the named latents of a run. Raises CheckpointError if `names.json` is unreadable."""
    path = folder / NAMES
    try:
        plain = json.loads(storage.read_text(path, MAX_JSON))
        return {name: build(Kept, {"name": name, **kept}, "latent") for name, kept in plain.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (ValueError, TypeError, AttributeError, OSError, RecursionError, ConfigError) as error:
        raise CheckpointError(f"{path} cannot be read ({error}): repair it, or remove it.") from None


def change_names(folder: Path, change: Callable[[dict[str, Kept]], Mapping[str, Kept]]) -> None:
    """Replace the named latents of a run by `change(names)`; other processes and threads wait meanwhile.

    If `change` raises, nothing is written. Raises CheckpointError as `read_names` and `names_lock` do.
    """
    with names_lock(folder):
        write_names(folder, change(read_names(folder)))


def keep_names(folder: Path, *kept: Kept) -> None:
    """Keep latents in a run under their names."""
    change_names(folder, lambda names: {**names, **{each.name: each for each in kept}})


def forget_name(folder: Path, name: str) -> None:
    """Remove a name from a run. Raises ConfigError if the run does not have it."""

    def without(names: dict[str, Kept]) -> dict[str, Kept]:
        if name not in names:
            raise_unknown_name(name, names)
        return {each: kept for each, kept in names.items() if each != name}

    change_names(folder, without)


def write_names(folder: Path, names: Mapping[str, Kept]) -> None:
    """Write the named latents of a run; to change some of them, use `change_names`.

    Raises ConfigError, and writes nothing, if there are more than `read_names` reads.
    """
    plain = {name: kept_to_json(kept) for name, kept in sorted(names.items())}
    text = json_text({name: {k: v for k, v in kept.items() if k != "name"} for name, kept in plain.items()})
    if len(text) > MAX_JSON:
        raise ConfigError(
            f"The {len(names):,} named latents of {folder} have more than {MAX_JSON:,} bytes: forget some first, or "
            "keep them by seeds instead of numbers."
        )
    storage.write_text(folder / NAMES, text)


def write_evaluation(folder: Path, evaluation: Evaluation) -> Path:
    """Write an evaluation into the run's folder and return its path.

    It replaces an earlier evaluation of the same checkpoint with the same features and data.
    """
    protocol = evaluation.protocol
    path = folder / "evaluations" / f"{protocol.step or 0:09d}-{protocol.features}-{protocol.data_fingerprint[:8]}.json"
    storage.create_folder(path.parent)
    write_json(path, asdict(evaluation))
    return path


def read_evaluations(folder: Path) -> list[Evaluation]:
    """Return the evaluations in a run's folder, sorted by step. Raises CheckpointError if one is unreadable."""
    return [read_evaluation(path) for path in evaluation_files(folder)]


def read_evaluation(path: Path) -> Evaluation:
    """Return the evaluation in a file. Raises CheckpointError if it is unreadable."""
    try:
        return Evaluation.from_json(storage.read_text(path, MAX_JSON))
    except (ValueError, OSError, ConfigError) as error:
        raise CheckpointError(
            f"{path} cannot be read as an evaluation ({error}): remove it, and evaluate again."
        ) from None


def evaluation_files(folder: Path) -> list[Path]:
    """Return the files of evaluations in a run's folder, sorted by step; files of other names are not ours."""
    try:
        names = os.listdir(storage.require_folder(folder / "evaluations"))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CheckpointError(
            f"{folder / 'evaluations'} cannot be read ({error.strerror or error}): make it an ordinary folder."
        ) from None
    ours = [name for name in names if re.fullmatch(r"[0-9]{9,}-[\w.+-]+-[0-9a-f]{0,8}\.json", name)]
    return [folder / "evaluations" / name for name in sorted(ours)]
