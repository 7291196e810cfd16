"""Images -> vectors that scores compare. The extractors are interchangeable, and a hash names each one's definition."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganache.errors import ConfigError
from ganache.types import ImageShape

CHUNK = 64
"""Images at a time: memory stays flat."""


class Features(nn.Module, ABC):
    """x [N, *image_shape] in [-1, 1] -> float32 [N, num_features]. A torchmetrics metric takes one as `feature`."""

    name: str
    num_features: int
    sees: str
    """How an image is brought to the size at which it is looked at, in words."""

    own_classes = False
    """Whether the classes that it speaks of are those of the data's labels."""

    @abstractmethod
    def vectors(self, x: Tensor) -> Tensor:
        """One chunk, x [B, *image_shape] -> [B, num_features]."""

    def logits(self, h: Tensor) -> Tensor | None:
        """Features [N, F] -> what they say of the classes [N, K], before the softmax; None where they say nothing."""
        return None

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        chunks: tuple[Tensor, ...] = x.split(CHUNK)  # type: ignore[no-untyped-call]
        with whole_float32():
            return torch.cat([self.vectors(chunk) for chunk in chunks])

    @cached_property
    def hash(self) -> str:
        """12 hexadecimal digits of the SHA-256 of name, view and weights: equal ones give comparable numbers."""
        digest = hashlib.sha256(f"{self.name} {self.num_features} {self.sees}".encode())
        for name, tensor in self.state_dict().items():
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]


@contextmanager
def whole_float32() -> Iterator[None]:
    """A GPU's convolutions without TF32, whose ten bits would make other features than a CPU does."""
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = allowed


class Pixels(Features):
    """The pixels themselves, of images reduced to at most 16x16; the points of a 2-D toy as they are."""

    name = "pixels"
    SIDE = 16
    """At 32x32 the covariance of 3,072 numbers would cost minutes."""

    def __init__(self, image_shape: ImageShape) -> None:
        super().__init__()
        size = reduced(image_shape[1:], self.SIDE)
        self.num_features = int(np.prod((image_shape[0], *size)))
        self.sees = in_words(image_shape[1:], size)
        self.size = size

    def vectors(self, x: Tensor) -> Tensor:
        return resized(x, self.size).flatten(1).float()


class RandomFeatures(Features):
    """A convolutional network with random weights, the same on every machine.

    Random weights see texture and arrangement without the bias of what others were trained on (Naeem et al. 2020,
    "Reliable fidelity and diversity metrics for generative models"). Four depths of 3x3 convolutions and
    ReLUs, each averaged over a 4x4 grid; the grids' numbers are mixed down by random signs (Achlioptas 2003), which
    keeps distances.
    """

    name = "random"
    WIDTHS = (32, 64, 128, 128)
    SIDE = 64
    GRID = 4

    def __init__(self, image_shape: ImageShape, seed: int = 0, num_features: int = 512) -> None:
        """Raises ConfigError for points and for images of a side below 8."""
        super().__init__()
        refuse_unless_image(image_shape, self.name)
        self.size = reduced(image_shape[1:], self.SIDE)
        self.sees = in_words(image_shape[1:], self.size)
        self.num_features = num_features
        channels = (image_shape[0], *self.WIDTHS)
        for depth, (into, out) in enumerate(zip(channels, self.WIDTHS, strict=False)):
            # He et al. 2015, equation 10, as a uniform distribution: the spread stays alike through the depths.
            bound = math.sqrt(6 / (9 * into))
            self.register_buffer(f"conv{depth}", bound * uniform((out, into, 3, 3), seed, depth))
        mixed = sum(self.WIDTHS) * self.GRID**2
        signs = uniform((mixed, num_features), seed, len(self.WIDTHS)).sign()
        self.register_buffer("mix", signs / math.sqrt(mixed))

    def vectors(self, x: Tensor) -> Tensor:
        h, grids = resized(x, self.size), []
        for depth in range(len(self.WIDTHS)):
            h = F.relu(F.conv2d(h, self.get_buffer(f"conv{depth}"), padding=1))
            grids.append(F.adaptive_avg_pool2d(h, self.GRID).flatten(1))
            if min(h.shape[2:]) > 1:
                h = F.avg_pool2d(h, 2)
        return torch.cat(grids, dim=1) @ self.get_buffer("mix")


def uniform(shape: tuple[int, ...], seed: int, key: int) -> Tensor:
    """float32 uniform on (-1, 1), never 0, from raw random bits: the same to the bit on every machine."""
    bits = np.random.Philox(key=[seed, key]).random_raw(int(np.prod(shape))) >> np.uint64(41)  # 23 bits
    return torch.from_numpy(((bits.astype(np.float32) + 0.5) / 2**22 - 1).reshape(shape))


def refuse_unless_image(image_shape: ImageShape, name: str) -> None:
    """Raise ConfigError for what a convolutional network cannot look at."""
    if len(image_shape) != 3:
        raise ConfigError(f"The data are points, and the features '{name}' look at images: use --features pixels.")
    if min(image_shape[1:]) < 8:
        raise ConfigError(
            f"The images are {image_shape[2]}x{image_shape[1]}, and the features '{name}' need 8x8: use "
            "--features pixels."
        )


def reduced(size: tuple[int, ...], most: int) -> tuple[int, ...]:
    """(H, W) with its longer side at most `most`, its proportions kept; () of a point.

    >>> reduced((48, 64), 32)
    (24, 32)
    """
    scale = min(1.0, most / max(size)) if size else 1.0
    return tuple(max(1, round(side * scale)) for side in size)


def resized(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """x brought to `size`, each new pixel an average over those it replaces (Parmar et al. 2022: not to alias)."""
    if tuple(x.shape[2:]) == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)


def in_words(found: tuple[int, ...], size: tuple[int, ...]) -> str:
    """How images are brought to the size at which they are looked at."""
    if not found:
        return "points as they are"
    shown = f"{size[1]}x{size[0]}"
    return f"{shown}, as they are" if found == size else f"{shown}, reduced with antialiasing"
