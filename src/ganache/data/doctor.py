"""The doctor: what a source contains, what cannot be used, and why."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.data.dataset import Dataset
from ganache.data.diagnosis import Diagnosis, sorted_counts
from ganache.data.duplicates import exact_groups
from ganache.data.pixel_arrays import iter_blocks
from ganache.data.set_levels import remarks_on_flat
from ganache.data.sources import load


def diagnose(source: str, **settings: Any) -> Diagnosis:
    """Return the Diagnosis of a source. Settings and errors are those of `load`.

    Files are inspected while they are packed, so a pack is left in the cache: `load` with the same settings starts
    immediately, and `diagnose` after `load` only reads the pack.
    """
    return diagnosis_of(load(source, **settings))


def diagnosis_of(dataset: Dataset) -> Diagnosis:
    """Return the Diagnosis of a data set that is loaded."""
    if dataset.diagnosis is not None:
        return dataset.diagnosis
    found = diagnose_array(dataset.name, dataset.images, dataset.labels, dataset.label_names)
    return replace(found, remarks=(*dataset.remarks, *found.remarks))


def diagnose_array(
    name: str, images: NDArray[Any], labels: NDArray[np.int64] | None, label_names: tuple[str, ...]
) -> Diagnosis:
    """Return the Diagnosis of images [N, H, W, C] or points [N, 2] that are not files: counts, size, duplicates."""
    is_image, digests, flat = images.ndim == 4, list[bytes](), 0
    for block in iter_blocks(images):
        digests += [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in block]
        flat += int((block == block[:, :1, :1]).all(axis=(1, 2, 3)).sum()) if is_image else 0
    exact = tuple(tuple(f"no. {i}" for i in group) for group in exact_groups(digests))
    height, width, channels = (*images.shape[1:], 0, 0)[:3]
    return Diagnosis(
        source=name,
        files=len(images),
        usable=len(images),
        shape=tuple(images.shape[1:]),
        sizes={f"{width}x{height}": len(images)} if is_image else {},
        modes={{1: "L", 4: "RGBA"}.get(channels, "RGB"): len(images)} if is_image else {},
        conversions={},
        skipped=(),
        exact_duplicates=exact,
        near_duplicates=(),
        classes=sorted_counts(label_names[label] for label in labels) if labels is not None else {},
        remarks=remarks_on_flat(flat, len(images)),
    )
