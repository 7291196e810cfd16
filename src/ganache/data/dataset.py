"""Dataset: what a source becomes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.data.arrays import let_go
from ganache.data.diagnosis import Diagnosis
from ganache.data.split import digests, set_aside
from ganache.types import ImageShape

MOST_MAPPED = 2**28
"""Bytes of pictures in a file that may stay mapped; of a larger one what was read is let go, so memory stays flat."""

TOGETHER = 8
"""Pictures of such a file that are read before they are let go: around each the system maps more than was asked for."""


@dataclass(frozen=True)
class Dataset:
    """Pictures (or points in the plane) and their labels, ready for a Stream. Nothing in it can be written to."""

    name: str
    """As the user would call it: "anime-faces-8k.zip", "faces", "ring8"."""

    images: NDArray[Any]
    """uint8 [N, H, W, C], a read-only memory map where the images were packed; float32 [N, 2] for a 2-D toy."""

    labels: NDArray[np.int64] | None
    """[N], each an index into `label_names`; None without labels."""

    label_names: tuple[str, ...]
    """() without labels."""

    fingerprint: str
    """Hexadecimal; the same content and settings give the same."""

    diagnosis: Diagnosis | None = field(default=None, compare=False, repr=False)
    """What the doctor found, where the source was files."""

    contents: NDArray[np.uint64] | None = field(default=None, compare=False, repr=False)
    """[N], a digest of each picture, where one was taken when they were packed; let go once the data are split."""

    held_out: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64), repr=False)
    """Positions of the pictures that training never sees, ascending; empty where none were set aside."""

    @cached_property
    def training(self) -> NDArray[np.integer[Any]]:
        """Positions of all others, ascending, in as few bytes as they need."""
        kept = np.ones(len(self), dtype=bool)
        kept[self.held_out] = False
        return np.flatnonzero(kept).astype(np.int32 if len(self) < 2**31 else np.int64)

    def at(self, positions: NDArray[np.integer[Any]]) -> NDArray[Any]:
        """The pictures at these positions, copied."""
        if self.images.nbytes <= MOST_MAPPED:
            copies: NDArray[Any] = self.images[positions]
            return copies
        copies = np.empty((len(positions), *self.images.shape[1:]), self.images.dtype)
        for start in range(0, len(positions), TOGETHER):
            part = slice(start, start + TOGETHER)
            copies[part] = self.images[positions[part]]
            let_go(self.images)
        return copies

    def split(self, share: float) -> Dataset:
        """The same data with about `share` of the pictures set aside, chosen by their content; none for 0."""
        if not share:
            return replace(self, held_out=np.empty(0, dtype=np.int64))
        contents = digests(self.images) if self.contents is None else self.contents
        return replace(self, contents=None, held_out=set_aside(contents, share))

    @property
    def image_shape(self) -> ImageShape:
        """(C, H, W), or (2,) for a 2-D toy."""
        if self.images.ndim == 2:
            return (int(self.images.shape[1]),)
        height, width, channels = self.images.shape[1:]
        return (int(channels), int(height), int(width))

    def __len__(self) -> int:
        return len(self.images)
