"""What ganache itself wrote into a folder or archive of pictures is no data: runs, and pictures that carry its mark."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace

from ganache.core.outputs import content_is_ours
from ganache.data.readers.image_files import ImageFile, ImageFiles
from ganache.data.skip_reasons import SkipFile, SkipReason
from ganache.errors import DataError

_CONFIG, _LOG = "config.json", "log.jsonl"
_SECTIONS = {"data", "method", "network", "record"}
"""Some of the keys of every run's settings, of the first version too."""
_MAX_CONFIG = 2**20
"""Bytes; the settings of a run have a few thousand."""


def without_runs(name: str, files: ImageFiles) -> tuple[ImageFiles, tuple[str, ...]]:
    """Return the files of a source that lie in no run's folder, and a remark if others do.

    They are left out before the key is made, so that a run inside its own data does not change them. Raises DataError
    if no file is left.
    """
    runs = run_folders(files.entries)
    if not runs:
        return files, ()
    entries = tuple(entry for entry in files.entries if not _is_below(entry.name, runs))
    skipped = tuple(file for file in files.skipped if not _is_below(file.name, runs))
    listed = ", ".join(f"'{run.rstrip('/') or '.'}'" for run in runs[:3]) + (", ..." if len(runs) > 3 else "")
    if not entries:
        raise DataError(f"'{name}' contains only what ganache wrote (runs: {listed}): give the folder of pictures.")
    left_out = len(files.entries) - len(entries)
    plural = "a run" if len(runs) == 1 else f"{len(runs)} runs"
    remark = f"{left_out:,} files of {plural} of ganache ({listed}) are left out."
    return replace(files, entries=entries, skipped=skipped), (remark,)


def run_folders(entries: Iterable[ImageFile]) -> list[str]:
    """Return the folders of runs, each with / at its end; "" if the source itself is one."""
    by_name = {entry.name: entry for entry in entries if entry.name.rpartition("/")[2] in (_CONFIG, _LOG)}
    folders = sorted(name.removesuffix(_LOG) for name in by_name if name.endswith(_LOG))
    return [folder for folder in folders if _is_config(by_name.get(folder + _CONFIG))]


def refuse_own(content: bytes) -> None:
    """Raise SkipFile for a picture that ganache wrote."""
    if content_is_ours(content):
        raise SkipFile(SkipReason.OWN)


def _is_below(name: str, folders: list[str]) -> bool:
    return any(name.startswith(folder) for folder in folders)


def _is_config(entry: ImageFile | None) -> bool:
    """Whether a file holds the settings of a run."""
    try:
        text = entry.read() if entry is not None else b""
        content = json.loads(text) if len(text) <= _MAX_CONFIG else None
    except (SkipFile, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and content.keys() >= _SECTIONS
