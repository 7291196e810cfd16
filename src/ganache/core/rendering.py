"""Latents -> pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from ganache.core import images
from ganache.core.images import Pictures
from ganache.types import Generator, Prior


@dataclass(frozen=True)
class Model:
    """A generator, the distribution its latents had in training, and how captions call it."""

    generator: Generator
    prior: Prior
    name: str = ""


@torch.no_grad()
def generate(generator: Generator, z: Tensor, batch: int = 64) -> Tensor:
    """z [N, z_dim] -> x [N, *image_shape] in [-1, 1], float32 on the CPU.

    The generator's training mode is left as it was found.
    """
    parts: tuple[Tensor, ...] = z.split(batch)  # type: ignore[no-untyped-call]
    device = next(generator.parameters()).device
    was_training = generator.training
    generator.eval()
    try:
        return torch.cat([generator(part.to(device)).float().cpu() for part in parts])
    finally:
        generator.train(was_training)


def render(generator: Generator, z: Tensor, batch: int = 96) -> Pictures:
    """z [N, z_dim] -> pictures, uint8 [N, H, W, C]; for a 2-D toy its points, float32 [N, 2]."""
    return as_pictures(generate(generator, z, batch))


CHUNK = 512
"""Pictures that `render_many` makes at a time."""


def render_many(
    generator: Generator, z: Tensor, precision: Callable[[], AbstractContextManager[object]], progress: bool = False
) -> Iterator[Pictures]:
    """z [N, z_dim] -> the pictures of `render`, a part at a time, in the arithmetic that `precision` sets.

    In bfloat16 a value of a picture may differ by 2 or 3 of 255 from what `render` makes.
    """
    with tqdm(total=len(z), desc="generating", unit="picture", disable=None if progress else True) as bar:
        for part in z.split(CHUNK):  # type: ignore[no-untyped-call]
            with precision():
                pictures = render(generator, part, 256)
            yield pictures
            bar.update(len(part))


def as_pictures(x: Tensor) -> Pictures:
    """x [N, *image_shape] in [-1, 1] -> uint8 [N, H, W, C], or points float32 [N, 2]."""
    return x.numpy() if x.ndim == 2 else images.to_uint8(x).numpy()
