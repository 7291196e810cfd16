"""The doctor's look at every file: read, hashed and decoded once, on several threads."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from ganache.data.diagnosis import Diagnosis, counted
from ganache.data.duplicates import difference_hash, exact_groups, near_groups
from ganache.data.parallel import in_order
from ganache.data.picture import Picture, Target, decode
from ganache.data.readers.files import Entry, Files, labels_of
from ganache.data.reasons import Reason, Skip, Skipped
from ganache.errors import DataError


@dataclass(frozen=True)
class Looked:
    """One file after the look: a picture with its hashes, or the reason why not."""

    entry: Entry
    picture: Picture | None = None
    skipped: Skipped | None = None
    digest: bytes = b""
    looks: int = 0


def look(entry: Entry, target: Target) -> Looked:
    """Read and decode one file. Raises nothing that the file could cause."""
    try:
        data = entry.read()
        picture = decode(data, target)
    except Skip as skip:
        return Looked(entry, skipped=Skipped(entry.name, skip.reason, skip.detail))
    digest = hashlib.blake2b(data, digest_size=16).digest()
    return Looked(entry, picture, digest=digest, looks=difference_hash(picture.pixels))


def examine(files: Files, target: Target, *, progress: bool) -> Generator[Looked, None, None]:
    """Every file's Looked, in order."""
    row_bytes = np.prod(target.size or (256, 256)) * 3
    group = int(np.clip(2**22 // row_bytes, 1, 32))
    looks = in_order(lambda entry: look(entry, target), files.entries, group=group)
    bar = tqdm(looks, total=len(files.entries), desc="looking", unit="file", disable=None if progress else True)
    with warnings.catch_warnings():
        # Pillow warns of odd headers file by file; what matters of it becomes a reason or a note.
        warnings.simplefilter("ignore")
        yield from bar


@dataclass
class Findings:
    """What the looks add up to: names, hashes and counts, never pixels, so memory stays small."""

    usable: list[Entry] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    sizes: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, looked: Looked) -> None:
        """Take one more file into account."""
        if looked.skipped is not None:
            self.skipped.append(looked.skipped)
        if looked.picture is None:
            return
        height, width = looked.picture.found_size
        self.usable.append(looked.entry)
        self.digests.append(looked.digest)
        self.looks.append(looked.looks)
        self.sizes[f"{width}x{height}"] += 1
        self.modes[looked.picture.found_mode] += 1
        self.notes.update(note.value for note in looked.picture.notes)

    def labels(self, label_names: tuple[str, ...]) -> tuple[list[int], tuple[str, ...]] | None:
        """One index a usable picture and the names: the source's own, or read off the folders."""
        if not label_names:
            return labels_of(entry.name for entry in self.usable)
        return [entry.label or 0 for entry in self.usable], label_names

    def diagnosis(self, source: str, shape: tuple[int, ...], files: Files, remarks: tuple[str, ...]) -> Diagnosis:
        """The whole as a Diagnosis."""
        labels, label_names = self.labels(files.label_names) or ((), ())
        exact = exact_groups(self.digests)
        copies = {i for group in exact for i in group[1:]}
        first = np.array([i for i in range(len(self.usable)) if i not in copies], dtype=np.intp)
        near = near_groups(np.array(self.looks, dtype=np.uint64)[first])
        names = [entry.name for entry in self.usable]
        return Diagnosis(
            source=source,
            files=len(files.entries) + len(files.skipped),
            usable=len(names),
            shape=shape,
            sizes=counted(self.sizes.elements()),
            modes=counted(self.modes.elements()),
            conversions=counted(self.notes.elements()),
            skipped=(*files.skipped, *self.skipped),
            exact_duplicates=tuple(tuple(names[i] for i in group) for group in exact),
            near_duplicates=tuple(tuple(names[first[i]] for i in group) for group in near),
            classes=counted(label_names[label] for label in labels),
            remarks=remarks,
        )

    def refuse(self, source: str, files: Files) -> DataError:
        """The error for a source in which nothing is usable, with the counts of the reasons."""
        reasons = counted(skipped.reason.value for skipped in (*files.skipped, *self.skipped))
        if not reasons:
            return DataError(f"'{source}' holds no file: give a folder or zip with pictures in it.")
        told = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
        hint = (
            " a smaller size would admit them."
            if list(reasons) == [Reason.TOO_SMALL.value]
            else (" the doctor names each file.")
        )
        return DataError(f"'{source}' holds no usable picture: {told};{hint}")
