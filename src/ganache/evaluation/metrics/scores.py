"""Scores between two sets: pure functions, arrays in, a number out; lower is better."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate


def sliced_wasserstein(a: Tensor, b: Tensor, directions: int = 512, seed: int = 0) -> float:
    """Mean over random directions of the 1-D Wasserstein-1 distance between a, b [N, F] (Rabin et al. 2011).

    In one dimension the best transport pairs sorted values, so it is exact along each direction. numpy sorts because
    it does so with vector instructions, fifteen times as fast as PyTorch on a processor that has them.
    """
    n = min(len(a), len(b))
    generator = torch.Generator().manual_seed(seed)
    lines = torch.randn(a.shape[1], directions, generator=generator)
    lines /= lines.norm(dim=0)
    # [directions, n]; numpy sorts with vector instructions, twenty times as fast as PyTorch on a CPU
    projected = [np.sort((points[:n] @ lines).T.contiguous().numpy(), axis=1) for points in (a, b)]
    return float(np.abs(projected[0] - projected[1]).mean())


def patch_distance(real: Tensor, fake: Tensor, levels: int = 4, size: int = 7, patches: int = 16) -> float:
    """Sliced Wasserstein distance between 7x7 patches of Laplacian pyramids, summed over the levels, times 1000.

    real, fake: x [N, C, H, W] in [-1, 1]. No network is needed; the finest level sees texture, the coarsest shape
    and colour. After Karras et al. 2018, "Progressive growing of GANs", section 5, but numbers are divided by the
    spread that the real ones have in each channel of the whole picture, not of each level: so a level counts for as
    much as it contributes to the picture, and an averaged generator is not condemned for its smooth texture.
    """
    spread = real.std(dim=(0, 2, 3), keepdim=True) + 1e-8
    total = 0.0
    both = (pyramid(x / spread, levels, size) for x in (real, fake))
    for of_real, of_fake in zip(*both, strict=True):
        total += sliced_wasserstein(random_patches(of_real, size, patches), random_patches(of_fake, size, patches))
    return 1000 * total


def distance(real: Tensor, fake: Tensor) -> float:
    """The cheap score of a run: patches of pictures, or points of a 2-D toy."""
    return patch_distance(real, fake) if real.ndim == 4 else sliced_wasserstein(real, fake)


def pyramid(x: Tensor, levels: int, least: int) -> list[Tensor]:
    """Laplacian pyramid of x [N, C, H, W], finest first; the last level is the small picture itself.

    It ends early where a side would fall below `least` pixels.
    """
    parts: list[Tensor] = []
    while len(parts) < levels - 1 and min(x.shape[2:]) // 2 >= least:
        small = avg_pool2d(x, 2)
        parts.append(x - interpolate(small, size=x.shape[2:], mode="bilinear", align_corners=False))
        x = small
    return [*parts, x]


def random_patches(x: Tensor, size: int, count: int, seed: int = 0) -> Tensor:
    """`count` square patches an image, at places that are the same for every call: [N * count, C * size * size]."""
    size = min(size, *x.shape[2:])
    windows = x.unfold(2, size, 1).unfold(3, size, 1)  # [N, C, places down, places across, size, size], a view
    generator = torch.Generator().manual_seed(seed)
    down = torch.randint(windows.shape[2], (len(x), count), generator=generator)
    across = torch.randint(windows.shape[3], (len(x), count), generator=generator)
    image = torch.arange(len(x))[:, None].expand_as(down)
    return windows[image, :, down, across].flatten(0, 1).flatten(1)
