"""Files or blocks of pixels -> a data set over a pack: the pack that is there, or a new one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ganache.data.arrays import Blocks
from ganache.data.dataset import Dataset
from ganache.data.diagnosis import Diagnosis
from ganache.data.examine import Findings, examine
from ganache.data.pack import Damaged, Pack, open_pack
from ganache.data.picture import DEFAULT_SIZE, NATIVE_SIDE, Target
from ganache.data.readers.files import Files
from ganache.data.reasons import Reason
from ganache.data.writing import Writer, discard
from ganache.errors import DataError


class _Differ(Exception):
    """Pictures turned out to differ where they were taken to be alike: begin again with this target."""

    def __init__(self, target: Target) -> None:
        super().__init__(target)
        self.target = target


def pack_files(name: str, files: Files, target: Target, folder: Path, progress: bool) -> None:
    """Examine every file and write the usable pictures to the pack `folder`, in one pass.

    Where size or channels are open, the first picture decides until another contradicts it; then the pass begins
    again with the default. So pictures that are alike are decoded once, and nobody has to look at them beforehand.
    """
    settled = target
    while True:
        try:
            return _pack_once(name, files, target, settled, folder, progress)
        except _Differ as differ:
            settled = differ.target


def _pack_once(name: str, files: Files, asked: Target, target: Target, folder: Path, progress: bool) -> None:
    """One pass. Raises _Differ, or DataError where nothing is usable."""
    findings = Findings()
    with (
        Writer(folder, expected=len(files.entries)) as writer,
        closing(examine(files, target, progress=progress)) as looks,
    ):
        for looked in looks:
            findings.add(looked)
            if looked.picture is not None:
                _agree(writer.shape, looked.picture.pixels.shape, target)
                writer.add(looked.picture.pixels[None])
        if writer.shape is None:
            raise findings.refuse(name, files)
        diagnosis = findings.diagnosis(name, writer.shape, files, _remarks(asked, writer.shape, findings))
        labels, label_names = findings.labels(files.label_names) or (None, ())
        extra = {"diagnosis": diagnosis.to_json(), "stamp": files.stamp}
        writer.finish(None if labels is None else np.array(labels, dtype=np.int64), label_names, extra)


def _agree(before: tuple[int, ...] | None, now: tuple[int, ...], target: Target) -> None:
    """Raises _Differ where a picture is not like those before it."""
    if before is None or before == now:
        return
    size = target.size if before[:2] == now[:2] else DEFAULT_SIZE
    raise _Differ(replace(target, size=size, channels=target.channels if before[2] == now[2] else 3))


def _remarks(asked: Target, shape: tuple[int, ...], findings: Findings) -> tuple[str, ...]:
    """What was decided for the user and could have been asked for."""
    size = f"{shape[1]}x{shape[0]}"
    if asked.size is not None or list(findings.sizes) == [size]:
        return ()
    why = "the pictures differ in size" if len(findings.sizes) > 1 else f"a side is over {NATIVE_SIDE} pixels"
    return (f"{why} and none was asked for, so they are made {size}.",)


def pack_blocks(name: str, source: Blocks, folder: Path, progress: bool) -> None:
    """Write pictures that are made block by block to the pack `folder`."""
    with (
        Writer(folder, expected=source.count) as writer,
        tqdm(total=source.count, desc=f"making {name}", unit="picture", disable=None if progress else True) as bar,
    ):
        for block in source.blocks():
            writer.add(block)
            bar.update(len(block))
        writer.finish(source.labels, source.label_names, {})


def packed(name: str, folder: Path, make: Callable[[], None], stamp: str = "") -> Dataset:
    """The data set over the pack `folder`; `make` writes it where it is not there, damaged or out of date."""
    pack = _usable(folder, stamp)
    if pack is None:
        make()
        try:
            pack = open_pack(folder)
        except Damaged as damage:
            raise DataError(f"the cache {folder.parent} does not keep what is written to it: {damage}.") from damage
    if pack is None:
        raise DataError(f"the pack {folder} was removed as soon as it was written: is something tidying the cache?")
    diagnosis = _diagnosis(pack)
    return Dataset(
        name=name,
        images=pack.images,
        labels=pack.labels,
        label_names=pack.label_names,
        fingerprint=pack.fingerprint,
        contents=pack.digests,
        diagnosis=replace(diagnosis, source=name) if diagnosis else None,
    )


def _usable(folder: Path, stamp: str) -> Pack | None:
    """The pack if it is there, whole and up to date; a damaged or outdated one is removed."""
    try:
        pack = open_pack(folder)
        diagnosis = _diagnosis(pack) if pack else None
    except Damaged as damage:
        warnings.warn(f"a damaged pack is made again: {damage}.", RuntimeWarning, stacklevel=4)
        discard(folder)
        return None
    if pack is None or diagnosis is None or pack.extra["stamp"] == stamp:
        return pack
    if any(skipped.reason == Reason.UNREADABLE for skipped in diagnosis.skipped):
        # A zip's list names the same checksums whether its bytes are whole or not: a newer copy may be whole.
        discard(folder)
        return None
    return pack


def _diagnosis(pack: Pack) -> Diagnosis | None:
    """The diagnosis stored with a pack; None for pictures that were no files. Raises Damaged."""
    if "diagnosis" not in pack.extra:
        return None
    try:
        return Diagnosis.from_json(pack.extra["diagnosis"])
    except (ValueError, LookupError, TypeError) as error:
        raise Damaged(f"its diagnosis cannot be read ({error})") from error
