"""Inspect the files of a source: each is read, hashed and decoded once, in several threads."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field, replace

import numpy as np

from ganache.core.progress import bar as progress_bar
from ganache.data.decoding import MIN_SIDE, DecodedImage, Target, decode_image
from ganache.data.decoding_cost import one_large_at_a_time
from ganache.data.diagnosis import Diagnosis, NoPictureError, sorted_counts
from ganache.data.duplicates import exact_groups, near_groups
from ganache.data.formats import WEB_PAGE, by_name, named
from ganache.data.labels import Labels, labels_from_folders
from ganache.data.own_files import refuse_own
from ganache.data.parallel import map_in_order
from ganache.data.readers.image_files import ImageFile, ImageFiles
from ganache.data.set_levels import SetLevels
from ganache.data.skip_reasons import SkipFile, SkippedFile, SkipReason
from ganache.data.value_range import DEFAULTS, Ranges


@dataclass(frozen=True)
class InspectedFile:
    """One inspected file: an image with its hashes, or a skipped file with its reason."""

    entry: ImageFile
    image: DecodedImage | None = None
    skipped: SkippedFile | None = None
    digest: bytes = b""
    """Hash of the file's bytes."""


def inspect_file(entry: ImageFile, target: Target, ranges: Ranges = DEFAULTS) -> InspectedFile:
    """Read and decode one file. No content of the file makes it raise."""
    try:
        # Built-in readers begin a stamp with the size in bytes.
        with one_large_at_a_time(entry.stamp[0] if entry.stamp and isinstance(entry.stamp[0], int) else 0):
            data = entry.read()
            refuse_own(data)
            image = decode_image(data, target, ranges)
    except SkipFile as skip:
        return InspectedFile(entry, skipped=SkippedFile(entry.name, skip.reason, skip.detail))
    digest = hashlib.blake2b(data, digest_size=16).digest()
    return InspectedFile(entry, image, digest=digest)


def inspect_files(
    files: ImageFiles, target: Target, *, progress: bool, ranges: Ranges = DEFAULTS
) -> Generator[InspectedFile, None, None]:
    """Yield each file's InspectedFile, in order; values are scaled from `ranges`."""
    row_bytes = np.prod(target.size or (256, 256)) * 3
    group = int(np.clip(2**22 // row_bytes, 1, 32))
    inspected = map_in_order(lambda entry: inspect_file(entry, target, ranges), files.entries, group=group)
    bar = progress_bar(inspected, total=len(files.entries), desc="inspecting", unit="file", shown=progress)
    with warnings.catch_warnings():
        # Pillow warns of unusual headers for each file; what matters becomes a skip reason or a conversion.
        warnings.simplefilter("ignore")
        yield from bar


@dataclass
class Inspection:
    """Totals over the inspected files: names, hashes and counts, but no pixels, so that memory use is small."""

    usable: list[ImageFile] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    difference_hashes: list[int] = field(default_factory=list)
    sizes: Counter[str] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)
    conversions: Counter[str] = field(default_factory=Counter)
    levels: SetLevels = field(default_factory=SetLevels)

    def add(self, inspected: InspectedFile) -> None:
        """Add one file to the totals."""
        if inspected.skipped is not None:
            self.skipped.append(inspected.skipped)
        if inspected.image is None:
            return
        self.levels.add(inspected.image)
        height, width = inspected.image.original_size
        self.usable.append(inspected.entry)
        self.digests.append(inspected.digest)
        self.difference_hashes.append(inspected.image.difference_hash)
        self.sizes[f"{width}x{height}"] += 1
        self.modes[inspected.image.original_mode] += 1
        self.conversions.update(conversion.value for conversion in inspected.image.conversions)

    def labels(self, files: ImageFiles) -> Labels:
        """Return the classes of the usable images: the source's own, or those of the folders."""
        if files.label_names and files.labels != "none":
            return Labels([entry.label or 0 for entry in self.usable], files.label_names)
        return labels_from_folders((entry.name for entry in self.usable), files.labels)

    def diagnosis(
        self, source: str, shape: tuple[int, ...], files: ImageFiles, labels: Labels, remarks: tuple[str, ...]
    ) -> Diagnosis:
        """Return the Diagnosis of the source; `shape` is (H, W, C) of the packed images."""
        exact = exact_groups(self.digests)
        copies = {i for group in exact for i in group[1:]}
        first = np.array([i for i in range(len(self.usable)) if i not in copies], dtype=np.intp)
        near = near_groups(np.array(self.difference_hashes, dtype=np.uint64)[first])
        names = [entry.name for entry in self.usable]
        return Diagnosis(
            source=source,
            files=len(files.entries) + len(files.skipped),
            usable=len(names),
            shape=shape,
            sizes=sorted_counts(self.sizes.elements()),
            modes=sorted_counts(self.modes.elements()),
            conversions=sorted_counts(self.conversions.elements()),
            skipped=(*files.skipped, *self.skipped),
            exact_duplicates=tuple(tuple(names[i] for i in group) for group in exact),
            near_duplicates=tuple(tuple(names[first[i]] for i in group) for group in near),
            classes=sorted_counts(labels.names[index] for index in labels.indices or ()),
            remarks=(*labels.remarks, *remarks),
        )

    def no_usable_image(self, source: str, files: ImageFiles) -> NoPictureError:
        """Return the error for a source without a usable image, with the number of files for each reason."""
        found = replace(self.diagnosis(source, (), files, Labels(), ()), remarks=())
        skipped = found.skipped
        if not skipped:
            return NoPictureError(
                f"'{source}' contains no file (hidden ones are left out): give a folder or zip with image files in it.",
                found,
            )
        counts = ", ".join(f"{count:,} {reason}" for reason, count in found.reasons.items())
        said = f"'{source}' contains no usable picture ({counts})"
        if list(found.reasons) == [SkipReason.TOO_SMALL.value]:
            return NoPictureError(f"{said}: {self.smaller_size() or 'choose a smaller size'}.", found)
        # Texts and web pages lie beside data.
        others = [file for file in skipped if file.detail not in ("text", WEB_PAGE.what)] or list(skipped)
        (detail, count), *_ = Counter(file.detail for file in others).most_common(1)
        first = next(file.name for file in others if file.detail == detail)
        if (known := named(detail) or by_name(first)) and 2 * count >= len(others):
            # A folder has a location; what is inside an archive has none.
            path = f"{files.location}/{first}" if files.location else first
            unpacked = "" if files.location else "unpack the archive first, and "
            return NoPictureError(f"{said}: '{first}' is {known.what}; {unpacked}{known.to_do(path)}", found)
        return NoPictureError(f"{said}: for example '{first}': {detail}.", found)

    def smaller_size(self) -> str:
        """Return the size that admits the pictures that are too small, in words; "" if none does."""
        sides = sorted(side for file in self.skipped if file.reason == SkipReason.TOO_SMALL for side in _side(file))
        usable = [side for side in sides if side >= MIN_SIDE]
        if not usable:
            return ""
        half = usable[len(usable) // 2] if len(usable) > 1 else usable[0]
        smallest = usable[0] if 2 * usable[0] >= half else half
        count = sum(side >= smallest for side in usable)
        return f"--size {smallest} admits {count:,} of them"


def _side(file: SkippedFile) -> list[int]:
    """Return the shorter side of a picture that is too small."""
    found = re.match(r"(\d+)x(\d+) pixels", file.detail)
    return [min(int(found[1]), int(found[2]))] if found else []
