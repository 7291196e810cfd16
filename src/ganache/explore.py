"""(generator, latent request) -> images. A request is plain data, so any picture can be made again from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ganache import images, latents
from ganache.errors import ConfigError
from ganache.types import Generator, Prior


@dataclass(frozen=True)
class Sample:
    """The pictures of latents `seed`, `seed` + 1, ..., drawn from the run's prior moved to `mean`, scaled by `std`."""

    n: int = 64
    mean: float = 0.0
    std: float = 1.0
    seed: int = 0
    classes: tuple[int, ...] = ()
    """Classes (or values of InfoGAN's category) to make, again and again in this order; none lets the seeds choose."""

    def latents(self, prior: Prior) -> Tensor:
        """z [n, z_dim]. Raises ConfigError for a class that the generator was not told."""
        wrong = [each for each in self.classes if not 0 <= each < prior.categories]
        if wrong:
            known = f"0 to {prior.categories - 1}" if prior.categories else "no classes"
            raise ConfigError(f"There is no class {wrong[0]}: this generator was told {known}.")
        moved = replace(prior, mean=self.mean, std=self.std * prior.std)
        return latents.from_seeds(moved, range(self.seed, self.seed + self.n), self.classes)


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


def render(generator: Generator, z: Tensor) -> np.ndarray:
    """z [N, z_dim] -> pictures, uint8 [N, H, W, C]; for a 2-D toy its points, float32 [N, 2]."""
    x = generate(generator, z)
    return x.numpy() if x.ndim == 2 else images.to_uint8(x).numpy()
