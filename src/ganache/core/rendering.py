"""Generation of pictures from latents."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ganache.core import images
from ganache.core.evaluating import evaluating
from ganache.core.images import Pictures
from ganache.core.progress import bar as progress_bar
from ganache.types import Generator, Prior


@dataclass(frozen=True)
class Model:
    """A generator, the prior of its latents in training, and its name in captions."""

    generator: Generator
    prior: Prior
    name: str = ""
    real: Pictures | None = field(default=None, compare=False, repr=False)
    """For a generator of points: the points of its data [N, 2], which figures show with the generated ones."""


USUAL = 64 * 64
"""Pixels of an image of the usual size."""


@torch.no_grad()
def generate(generator: nn.Module, z: Tensor, batch: int = 64) -> Tensor:
    """Map z [N, z_dim] to x [N, *image_shape] in [-1, 1], float32 on the CPU, in evaluation mode.

    `batch` latents are computed at a time; fewer of images that are larger than 64x64, so that they need no more
    memory. The generator's training mode is restored afterwards.
    """
    pixels = math.prod(getattr(generator, "image_shape", ())[1:])
    parts: tuple[Tensor, ...] = z.split(max(1, min(batch, batch * USUAL // max(1, pixels))))  # type: ignore[no-untyped-call]
    device = next(generator.parameters()).device
    with evaluating(generator):
        return torch.cat([generator(part.to(device)).float().cpu() for part in parts])


def render(generator: Generator, z: Tensor, batch: int = 96) -> Pictures:
    """Map z [N, z_dim] to pictures, uint8 [N, H, W, C], or to the points of a 2-D toy data set, float32 [N, 2]."""
    return as_pictures(generate(generator, z, batch))


CHUNK = 512
"""Pictures per part that `render_many` yields."""


def render_many(
    generator: Generator, z: Tensor, precision: Callable[[], AbstractContextManager[object]], progress: bool = False
) -> Iterator[Pictures]:
    """Yield the pictures of z [N, z_dim] in parts, computed inside the context that `precision()` returns.

    In bfloat16 a pixel may differ by 2 or 3 of 255 from that of `render`. `progress` shows a progress bar.
    """
    with progress_bar(total=len(z), desc="generating", unit="picture", shown=progress) as bar:
        for part in z.split(CHUNK):  # type: ignore[no-untyped-call]
            with precision():
                pictures = render(generator, part, 256)
            yield pictures
            bar.update(len(part))


def as_pictures(x: Tensor) -> Pictures:
    """Convert x [N, *image_shape] in [-1, 1] to uint8 [N, H, W, C]; points [N, 2] stay float32."""
    return x.numpy() if x.ndim == 2 else images.to_uint8(x).numpy()
