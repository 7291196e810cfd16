"""The interface of feature extractors, and what they share: how images are resized, and the hash of a definition."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ganache.core.cores import map_on_cores
from ganache.core.table import described
from ganache.data import Dataset
from ganache.errors import ConfigError
from ganache.types import ImageShape

CHUNK = 64
"""Images per forward pass, so that memory use does not depend on their number."""

MIN_SIDE = 8
"""Shortest side of an image, in pixels, that a convolutional network can see."""

Result = TypeVar("Result")

Positions = NDArray[np.integer[Any]]
"""Indices of images in a data set."""


@dataclass(frozen=True)
class FeatureInputs:
    """Everything that an extractor can be built from."""

    data: Dataset
    training: Positions
    """Images that an extractor may be trained on."""

    held_out: Positions
    """Images that the generator's training did not see."""

    cache: Path | None = None
    """Folder for weights that were trained; None for the default cache folder."""

    weights: Path | None = None
    """File of weights, for an extractor with a `weights_file`."""


class Features(nn.Module, ABC):
    """A feature extractor: x [N, *image_shape] in [-1, 1] -> float32 [N, num_features].

    A subclass implements `vectors` and sets `name`, `num_features` and `preprocessing`. An instance can be the
    `feature` of a torchmetrics metric. Scores are comparable if the extractors' hashes are equal.
    """

    name: str
    """The key in FEATURES. Part of the hash."""

    num_features: int
    preprocessing: str
    """How an image is brought to the size that the extractor looks at. Part of the hash."""

    notes: tuple[str, ...] = ()
    """Sentences that an evaluation with this extractor should show."""

    weights_file: ClassVar[str | None] = None
    """Name of the file of pretrained weights that the extractor needs, as help and errors show it; None for none."""

    chunk: ClassVar[int] = CHUNK
    """Images per forward pass. Sums may be rounded differently in chunks of another size."""

    predicts_labels = False
    """Whether the classes of `logits` are the labels of the data."""

    @classmethod
    def build(cls, inputs: FeatureInputs) -> Self:
        """Return an extractor for the images of `inputs.data`, in evaluation mode.

        Raises ConfigError if the data do not suit the extractor.
        """
        return cls(inputs.data.image_shape)  # type: ignore[arg-type]

    @abstractmethod
    def vectors(self, x: Tensor) -> Tensor:
        """Return the features [B, num_features] of one chunk x [B, *image_shape]."""

    def layer_vectors(self, x: Tensor) -> list[Tensor]:
        """Return the features of several layers for one chunk x, each [B, F]; the last are `vectors`."""
        return [self.vectors(x)]

    def logits(self, h: Tensor) -> Tensor | None:
        """Return the class logits [N, K] of features h [N, F]; None if the extractor does not classify."""
        return None

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        return torch.cat(self._of_chunks(lambda chunk: self._checked(self.vectors(chunk), len(chunk)), x))

    @torch.no_grad()
    def layers(self, x: Tensor) -> list[Tensor]:
        """Return the features of several layers, each [N, F]; the last are those of `forward`."""

        def of_chunk(chunk: Tensor) -> list[Tensor]:
            layers = self.layer_vectors(chunk)
            self._checked(layers[-1], len(chunk))
            return layers

        return [torch.cat(layer) for layer in zip(*self._of_chunks(of_chunk, x), strict=True)]

    def _of_chunks(self, function: Callable[[Tensor], Result], x: Tensor) -> list[Result]:
        """Return function(chunk) for each chunk of x; chunks on the CPU are computed on all cores, one per core."""
        chunks: tuple[Tensor, ...] = x.split(self.chunk)  # type: ignore[no-untyped-call]
        with disable_tf32():
            return map_on_cores(function, chunks) if x.device.type == "cpu" else [function(each) for each in chunks]

    def _checked(self, h: Tensor, count: int) -> Tensor:
        """Return the features h. Raises ConfigError if they are not float32 [count, num_features]."""
        if isinstance(h, Tensor) and h.shape == (count, self.num_features) and h.dtype is torch.float32:
            return h
        found = f"a {h.dtype} tensor of shape {list(h.shape)}" if isinstance(h, Tensor) else described(h)
        raise ConfigError(
            f"The features '{self.name}': vectors returned {found}: return a torch.float32 tensor of shape "
            f"{[count, self.num_features]}."
        )

    @cached_property
    def hash(self) -> str:
        """12 hexadecimal digits of the SHA-256 of name, number of features, preprocessing and weights."""
        digest = hashlib.sha256(f"{self.name} {self.num_features} {self.preprocessing}".encode())
        for name, tensor in self.state_dict().items():
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]


@contextmanager
def disable_tf32() -> Iterator[None]:
    """Compute convolutions in full float32 on a GPU: TF32's 10-bit mantissa would give other features than a CPU."""
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = allowed


def require_image(image_shape: ImageShape, name: str) -> None:
    """Raise ConfigError for points and for images with a side below MIN_SIDE."""
    if len(image_shape) != 3:
        raise ConfigError(f"The data are points, and the features '{name}' need images: use --features pixels.")
    if min(image_shape[1:]) < MIN_SIDE:
        raise ConfigError(
            f"The images are {image_shape[2]}x{image_shape[1]}, and the features '{name}' need at least "
            f"{MIN_SIDE}x{MIN_SIDE}: use --features pixels."
        )


def reduced_size(size: tuple[int, ...], max_side: int) -> tuple[int, ...]:
    """Return (H, W) scaled so that the longer side is at most `max_side`; () for a point.

    >>> reduced_size((48, 64), 32)
    (24, 32)
    """
    scale = min(1.0, max_side / max(size)) if size else 1.0
    return tuple(max(1, round(side * scale)) for side in size)


def resize(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """Resize x [N, C, H, W] bilinearly, with antialiasing.

    Without antialiasing, features of resized images depend on the library (Parmar et al. 2022, "On aliased resizing
    and surprising subtleties in GAN evaluation").
    """
    if tuple(x.shape[2:]) == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False)


def describe_resize(original: tuple[int, ...], size: tuple[int, ...]) -> str:
    """Return the text for `Features.preprocessing`. It is part of the hash: do not change the words."""
    if not original:
        return "points as they are"
    shown = f"{size[1]}x{size[0]}"
    return f"{shown}, as they are" if original == size else f"{shown}, reduced with antialiasing"
