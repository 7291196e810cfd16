"""Features "pixels": the pixels of the reduced image, or the coordinates of a 2-D point."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ganache.evaluation.features.base import Features, describe_resize, reduced_size, resize
from ganache.types import ImageShape


class PixelFeatures(Features):
    """The pixels of images reduced to at most 16x16; points [N, 2] are returned unchanged."""

    name = "pixels"
    SIDE = 16
    """Longest side in pixels. At 32x32, the covariance of 3,072 features would take minutes."""

    def __init__(self, image_shape: ImageShape) -> None:
        super().__init__()
        size = reduced_size(image_shape[1:], self.SIDE)
        self.num_features = int(np.prod((image_shape[0], *size)))
        self.preprocessing = describe_resize(image_shape[1:], size)
        self.size = size

    def vectors(self, x: Tensor) -> Tensor:
        return resize(x, self.size).flatten(1).float()
