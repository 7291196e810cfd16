"""Build packs: from image files or blocks of pixels to a data set that is backed by a pack in the cache."""

from __future__ import annotations

import shlex
import warnings
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ganache.core.progress import bar as progress_bar
from ganache.data.conversions import Conversion
from ganache.data.dataset import Dataset
from ganache.data.decoding import DEFAULT_SIZE, MAX_NATIVE_SIDE, Target
from ganache.data.diagnosis import Diagnosis
from ganache.data.inspection import Inspection, inspect_files
from ganache.data.pack import DamagedPack, Pack, open_pack
from ganache.data.pack_writer import PackWriter, delete_pack
from ganache.data.pixel_arrays import PixelBlocks
from ganache.data.readers.image_files import ImageFiles
from ganache.data.set_levels import SetLevels
from ganache.data.skip_reasons import SkipReason
from ganache.data.value_range import DEFAULTS, Ranges, ranges_of_record, stored_ranges
from ganache.errors import DataError, GanacheWarning


@dataclass(frozen=True)
class _Plan:
    """How a pass converts images: some of it is assumed until all of them are known."""

    target: Target
    ranges: Ranges
    is_certain: bool
    """Whether `ranges` were given, or found from all images."""

    remarks: tuple[str, ...] = ()
    """Sentences on the ranges that were found."""


class _AssumptionFailed(Exception):
    """Images differ from what was assumed: start again with this plan."""

    def __init__(self, plan: _Plan) -> None:
        super().__init__(plan)
        self.plan = plan


def pack_files(name: str, files: ImageFiles, target: Target, folder: Path, progress: bool) -> None:
    """Inspect every file and write the usable images to the pack `folder`, in one pass.

    If the target leaves size or channels open, those of the first image are used until another image differs; then the
    pass starts again with the defaults. In the same way, values are scaled from the usual range of their kind until the
    last image is known. So common images are decoded only once, without a first pass.
    """
    given = target.ranges()
    plan = _Plan(target, given or DEFAULTS, given is not None)
    while True:
        try:
            return _pack_once(name, files, target, plan, folder, progress)
        except _AssumptionFailed as failed:
            plan = failed.plan


def _pack_once(name: str, files: ImageFiles, requested: Target, plan: _Plan, folder: Path, progress: bool) -> None:
    """Make one pass. Raises _AssumptionFailed, or DataError if no image is usable."""
    inspection = Inspection()
    with (
        PackWriter(folder, expected=len(files.entries)) as writer,
        closing(inspect_files(files, plan.target, progress=progress, ranges=plan.ranges)) as inspected_files,
    ):
        for inspected in inspected_files:
            inspection.add(inspected)
            if inspected.image is not None:
                _check_shape(writer.shape, inspected.image.pixels.shape, plan)
                writer.add(inspected.image.pixels[None])
        if writer.shape is None:
            raise inspection.no_usable_image(name, files)
        remarks = (
            *_remarks(requested, writer.shape, inspection),
            *_checked_ranges(inspection.levels, plan),
            *inspection.levels.remarks(requested),
            *_too_small(inspection),
            *_stacks(inspection),
        )
        labels = inspection.labels(files)
        diagnosis = inspection.diagnosis(name, writer.shape, files, labels, remarks)
        ranges = stored_ranges({kind: plan.ranges[kind] for kind in inspection.levels.histograms})
        extra = {"diagnosis": diagnosis.to_json(), "stamp": files.stamp, "ranges": ranges}
        indices = None if labels.indices is None else np.array(labels.indices, dtype=np.int64)
        writer.finish(indices, labels.names, extra)


def _checked_ranges(levels: SetLevels, plan: _Plan) -> tuple[str, ...]:
    """Return the remarks on the ranges. Raises _AssumptionFailed if all images show that others are right."""
    if plan.is_certain:
        return plan.remarks or levels.range_remarks(plan.ranges, given=True)
    found = levels.ranges()
    remarks = levels.range_remarks(found, given=False)
    if found != plan.ranges:
        raise _AssumptionFailed(replace(plan, ranges=found, is_certain=True, remarks=remarks))
    return remarks


def _check_shape(before: tuple[int, ...] | None, shape: tuple[int, ...], plan: _Plan) -> None:
    """Raise _AssumptionFailed if an image has another shape than those before it."""
    if before is None or before == shape:
        return
    size = plan.target.size if before[:2] == shape[:2] else DEFAULT_SIZE
    channels = plan.target.channels if before[2] == shape[2] else 3
    raise _AssumptionFailed(replace(plan, target=replace(plan.target, size=size, channels=channels)))


def _remarks(requested: Target, shape: tuple[int, ...], inspection: Inspection) -> tuple[str, ...]:
    """Return sentences on defaults that were applied, which the user could have set."""
    size = f"{shape[1]}x{shape[0]}"
    if requested.size is not None or list(inspection.sizes) == [size]:
        return ()
    differ = len(inspection.sizes) > 1
    why = "the pictures differ in size" if differ else f"a side is longer than {MAX_NATIVE_SIDE} pixels"
    return (f"no size was requested and {why}, so they are resized to {size}.",)


def _too_small(inspection: Inspection) -> tuple[str, ...]:
    """Return a sentence on the size that would admit pictures that are skipped because they are small."""
    found = inspection.smaller_size()
    return (f"some pictures are too small: {found}.",) if found else ()


def _stacks(inspection: Inspection) -> tuple[str, ...]:
    """Return a sentence on files that hold several pictures, if half of the files are such."""
    count = inspection.conversions[Conversion.FIRST_FRAME.value]
    if not count or 2 * count < len(inspection.usable):
        return ()
    name = next(iter(inspection.usable)).name
    command = shlex.join(["magick", name, "%05d.png"])
    return (f"{count:,} files hold several pictures, and the first of each is read: `{command}` makes a file of each.",)


def pack_blocks(name: str, source: PixelBlocks, folder: Path, progress: bool) -> None:
    """Write images that are computed block by block to the pack `folder`."""
    with (
        PackWriter(folder, expected=source.count) as writer,
        progress_bar(total=source.count, desc=f"making {name}", unit="picture", shown=progress) as bar,
    ):
        for block in source.blocks():
            writer.add(block)
            bar.update(len(block))
        extra = {"remarks": source.remarks, "ranges": stored_ranges(source.ranges)}
        writer.finish(source.labels, source.label_names, extra)


def open_or_build(name: str, folder: Path, build: Callable[[], None], stamp: str = "") -> Dataset:
    """Return the data set in the pack `folder`; `build` writes the pack if it is missing, damaged or outdated."""
    pack = _open_valid(folder, stamp)
    if pack is None:
        build()
        try:
            pack = open_pack(folder)
        except DamagedPack as damage:
            raise DataError(
                f"The cache {folder.parent} does not keep what is written to it ({damage}): check the disk, or set "
                "$GANACHE_CACHE to another folder."
            ) from damage
    if pack is None:
        raise DataError(
            f"The pack {folder} was removed as soon as it was written: stop what cleans the cache, or set "
            "$GANACHE_CACHE to another folder."
        )
    diagnosis = _stored_diagnosis(pack)
    return Dataset(
        name=name,
        images=pack.images,
        labels=pack.labels,
        label_names=pack.label_names,
        fingerprint=pack.fingerprint,
        digests=pack.digests,
        remarks=tuple(str(each) for each in pack.extra.get("remarks", ())),
        diagnosis=replace(diagnosis, source=name) if diagnosis else None,
        ranges=ranges_of_record(pack.extra.get("ranges")),
    )


def _open_valid(folder: Path, stamp: str) -> Pack | None:
    """Return the pack if it exists, intact and up to date; a damaged or outdated one is deleted."""
    try:
        pack = open_pack(folder)
        diagnosis = _stored_diagnosis(pack) if pack else None
    except DamagedPack as damage:
        warnings.warn(f"A damaged pack is built again: {damage}.", GanacheWarning, stacklevel=4)
        delete_pack(folder)
        return None
    if pack is None or diagnosis is None or pack.extra.get("stamp") == stamp:
        return pack
    if any(skipped.reason == SkipReason.UNREADABLE for skipped in diagnosis.skipped):
        # The directory of a zip lists the same checksums whether or not its data are damaged: a newer copy of the
        # archive may be readable.
        delete_pack(folder)
        return None
    return pack


def _stored_diagnosis(pack: Pack) -> Diagnosis | None:
    """Return the diagnosis in a pack; None if its images were not files. Raises DamagedPack if it is unreadable."""
    if "diagnosis" not in pack.extra:
        return None
    try:
        diagnosis = Diagnosis.from_json(pack.extra["diagnosis"])
        diagnosis.describe()  # fails for values of another type
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedPack(f"its diagnosis cannot be read ({error})") from error
    return diagnosis
