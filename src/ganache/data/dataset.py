"""Dataset: the images and labels of a source, and their split into training and held-out images."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.data.diagnosis import Diagnosis
from ganache.data.pixel_arrays import release_pages, require_whole
from ganache.data.split import content_digests, held_out_positions
from ganache.data.value_range import Ranges
from ganache.types import ImageShape

MAX_RESIDENT_BYTES = 2**28
"""Mapped files up to this size may stay in memory; pages of a larger one are released after each read."""

RELEASE_EVERY = 8
"""Images that are read before the pages are released; the system maps more pages around each than are needed."""


@dataclass(frozen=True)
class Dataset:
    """Images (or points in the plane) with labels, the input of a Stream. All arrays are read-only."""

    name: str
    """Name for people: "anime-faces-8k.zip", "faces", "ring8"."""

    images: NDArray[Any]
    """uint8 [N, H, W, C], memory-mapped if the images were packed; float32 [N, 2] for points."""

    labels: NDArray[np.int64] | None
    """Indices [N] into `label_names`; None without labels."""

    label_names: tuple[str, ...]
    """Names of the classes; () without labels."""

    fingerprint: str
    """Hexadecimal hash of images, labels and label names."""

    diagnosis: Diagnosis | None = field(default=None, compare=False, repr=False)
    """The result of the doctor; None if the source was not image files."""

    remarks: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """Sentences of the doctor on an array: the range of its values."""

    ranges: Ranges = field(default_factory=dict, compare=False, repr=False)
    """The stored values of black and white, for each kind of values that the images had."""

    digests: NDArray[np.uint64] | None = field(default=None, compare=False, repr=False)
    """Hash of each image [N], if it was computed during packing; dropped when the data are split."""

    is_text: bool = field(default=False, compare=False)
    """Whether the images seem to show written characters, which a mirror turns into others."""

    held_out: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64), repr=False)
    """Indices of the images that training never sees, ascending; empty if the data are not split."""

    selected: NDArray[np.integer[Any]] | None = field(default=None, compare=False, repr=False)
    """Indices of the training images that a Stream shows, ascending, if it does not show all of them."""

    @property
    def shown(self) -> NDArray[np.integer[Any]]:
        """Indices of the images that a Stream shows, ascending: those of the training, or the selected ones."""
        return self.training if self.selected is None else self.selected

    @property
    def shown_text(self) -> str:
        """The number of images that a Stream shows, for people: "5,977", or "the most typical 2,988 of 5,977"."""
        training = f"{len(self.training):,}"
        return training if self.selected is None else f"the most typical {len(self.selected):,} of {training}"

    @cached_property
    def training(self) -> NDArray[np.integer[Any]]:
        """Indices of the training images, ascending; int32 if N allows it."""
        is_training = np.ones(len(self), dtype=bool)
        is_training[self.held_out] = False
        return np.flatnonzero(is_training).astype(np.int32 if len(self) < 2**31 else np.int64)

    def at(self, positions: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Return a copy of the images at these indices. Raises DataError if their file was cut short meanwhile."""
        require_whole(self.images)
        if self.images.nbytes <= MAX_RESIDENT_BYTES:
            copies: NDArray[Any] = self.images[positions]
            return copies
        copies = np.empty((len(positions), *self.images.shape[1:]), self.images.dtype)
        for start in range(0, len(positions), RELEASE_EVERY):
            part = slice(start, start + RELEASE_EVERY)
            require_whole(self.images)
            copies[part] = self.images[positions[part]]
            release_pages(self.images)
        return copies

    def split(self, share: float) -> Dataset:
        """Return the same data with about `share` of the images held out, chosen by their content; none for 0."""
        if not share:
            return replace(self, held_out=np.empty(0, dtype=np.int64), selected=None)
        digests = content_digests(self.images) if self.digests is None else self.digests
        return replace(self, digests=None, held_out=held_out_positions(digests, share), selected=None)

    def with_remarks(self, remarks: tuple[str, ...]) -> Dataset:
        """Return the same data with further sentences of the doctor on them."""
        diagnosis = self.diagnosis
        if diagnosis is None or not remarks:
            return self
        return replace(self, diagnosis=replace(diagnosis, remarks=(*diagnosis.remarks, *remarks)))

    @property
    def image_shape(self) -> ImageShape:
        """(C, H, W), or (2,) for points."""
        if self.images.ndim == 2:
            return (int(self.images.shape[1]),)
        height, width, channels = self.images.shape[1:]
        return (int(channels), int(height), int(width))

    def __len__(self) -> int:
        return len(self.images)
