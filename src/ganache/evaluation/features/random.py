"""Features "random": a convolutional network with fixed random weights."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ganache.evaluation.features.base import Features, describe_resize, reduced_size, require_image, resize
from ganache.types import ImageShape


class RandomFeatures(Features):
    """A convolutional network with random weights that are the same on every machine.

    Random weights respond to texture and layout without the bias of a data set they were trained on (Naeem et al. 2020,
    "Reliable fidelity and diversity metrics for generative models"). Four blocks of 3x3 convolution, ReLU and 2x2
    average pooling; the activations of each block are averaged over a 4x4 grid, and a matrix of random signs projects
    all grids to `num_features`, which approximately preserves distances (Achlioptas 2003).
    """

    name = "random"
    WIDTHS = (32, 64, 128, 128)
    SIDE = 64
    GRID = 4

    def __init__(self, image_shape: ImageShape, seed: int = 0, num_features: int = 512) -> None:
        """Raises ConfigError for points and for images with a side below 8."""
        super().__init__()
        require_image(image_shape, self.name)
        self.size = reduced_size(image_shape[1:], self.SIDE)
        self.preprocessing = describe_resize(image_shape[1:], self.size)
        self.num_features = num_features
        channels = (image_shape[0], *self.WIDTHS)
        for depth, (c_in, c_out) in enumerate(zip(channels, self.WIDTHS, strict=False)):
            # He et al. 2015, equation 10, as a uniform distribution: the variance stays the same in every block.
            bound = math.sqrt(6 / (9 * c_in))
            self.register_buffer(f"conv{depth}", bound * philox_uniform((c_out, c_in, 3, 3), seed, depth))
        num_activations = sum(self.WIDTHS) * self.GRID**2
        signs = philox_uniform((num_activations, num_features), seed, len(self.WIDTHS)).sign()
        self.register_buffer("mix", signs / math.sqrt(num_activations))

    def vectors(self, x: Tensor) -> Tensor:
        h, grids = resize(x, self.size), []
        for depth in range(len(self.WIDTHS)):
            h = F.relu(F.conv2d(h, self.get_buffer(f"conv{depth}"), padding=1), inplace=True)
            grids.append(F.adaptive_avg_pool2d(h, self.GRID).flatten(1))
            if min(h.shape[2:]) > 1:
                h = F.avg_pool2d(h, 2)
        return torch.cat(grids, dim=1) @ self.get_buffer("mix")


def philox_uniform(shape: tuple[int, ...], seed: int, key: int) -> Tensor:
    """Return float32 samples, uniform on (-1, 1) and never 0, from raw Philox bits: the same bits on every machine."""
    bits = np.random.Philox(key=[seed, key]).random_raw(int(np.prod(shape))) >> np.uint64(41)  # 23 bits
    return torch.from_numpy(((bits.astype(np.float32) + 0.5) / 2**22 - 1).reshape(shape))
