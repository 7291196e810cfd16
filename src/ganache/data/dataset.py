"""Dataset: what a source becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganache.data.diagnosis import Diagnosis
from ganache.types import ImageShape


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

    @property
    def image_shape(self) -> ImageShape:
        """(C, H, W), or (2,) for a 2-D toy."""
        if self.images.ndim == 2:
            return (int(self.images.shape[1]),)
        height, width, channels = self.images.shape[1:]
        return (int(channels), int(height), int(width))

    def __len__(self) -> int:
        return len(self.images)
