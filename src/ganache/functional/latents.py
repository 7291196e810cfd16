"""Latent arithmetic: functions of latents z [N, z_dim] or w [N, w_dim], one latent per row.

A latent is identified by its seed, an integer: the latent of a seed does not depend on the rest of its batch.

Functions that mix latents (sums, means, paths) are meant for noise. Apply them to latents with a category or codes
through `on_noise` or `blend_latents`, which keep the one-hot part valid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganache.types import Prior

Blend = Callable[[Tensor, Tensor, "float | Tensor"], Tensor]
"""(a, b, t) -> the point at t on a path from a (t = 0) to b (t = 1)."""


# ---- drawing and changing latents ---------------------------------------------------------------------------------


def from_seeds(prior: Prior, seeds: Iterable[int], categories: Sequence[int] = ()) -> Tensor:
    """Return one latent per seed, z [N, z_dim], drawn on the CPU so that it is the same for every device.

    `categories` are assigned to the latents in turn, repeatedly; if empty, each seed draws its own.
    """
    parts = []
    for index, seed in enumerate(seeds):
        category = torch.tensor([categories[index % len(categories)]]) if categories else None
        parts.append(prior.sample(1, category=category, generator=torch.Generator().manual_seed(seed)))
    return torch.cat(parts)


def shifted_prior(prior: Prior, mean: float, std: float) -> Prior:
    """Return the prior with another mean, and with its standard deviation scaled by `std`."""
    return replace(prior, mean=mean, std=std * prior.std)


def samples(
    prior: Prior, n: int, *, mean: float = 0.0, std: float = 1.0, seed: int = 0, classes: Sequence[int] = ()
) -> Tensor:
    """Return latents z [n, z_dim] of the seeds `seed`, `seed` + 1, ... under `shifted_prior(prior, mean, std)`."""
    return from_seeds(shifted_prior(prior, mean, std), range(seed, seed + n), classes)


def truncate(z: Tensor, psi: float, mean: float = 0.0) -> Tensor:
    """Return mean + psi (z - mean), closer to the mean for psi < 1 (Karras et al. 2019, StyleGAN, appendix B)."""
    return torch.lerp(torch.full_like(z, mean), z, psi)


def jitter(z: Tensor, seeds: Iterable[int], scale: float = 0.25) -> Tensor:
    """Return one neighbour of z [1, d] per seed, z + U[-scale, scale]^d, as [N, d] (Radford et al. 2016, figure 7)."""
    offsets = [torch.rand(z.shape[1], generator=torch.Generator().manual_seed(seed)) * 2 - 1 for seed in seeds]
    return z + scale * torch.stack(offsets).to(z)


def traverse(z: Tensor, dimension: int, values: Sequence[float]) -> Tensor:
    """Return each latent of z [N, d] K times, with `dimension` set to each of the K values: [N K, d]."""
    repeated = z.repeat_interleave(len(values), dim=0)
    repeated[:, dimension] = torch.tensor(values, dtype=torch.float64).to(z).repeat(len(z))
    return repeated


def quantiles(k: int, low: float = 0.14, high: float = 0.86) -> list[float]:
    """Return k quantiles of the standard normal distribution, at evenly spaced probabilities from `low` to `high`.

    With k = 8 these are the anime article's values.

    >>> [round(value, 3) for value in quantiles(4)]
    [-1.08, -0.305, 0.305, 1.08]
    """
    return torch.special.ndtri(torch.linspace(low, high, k, dtype=torch.float64)).tolist()  # type: ignore[no-any-return]


# ---- arithmetic --------------------------------------------------------------------------------------------------


def add(a: Tensor, b: Tensor) -> Tensor:
    """Return a + b."""
    return a + b


def abs_difference(a: Tensor, b: Tensor) -> Tensor:
    """Return |a - b|, elementwise."""
    return (a - b).abs()


def product(a: Tensor, b: Tensor) -> Tensor:
    """Return a * b, elementwise."""
    return a * b


def analogy(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """Return a - b + c, which applies the difference of a and b to c (Radford et al. 2016, section 6.3.2)."""
    return a - b + c


def average(z: Tensor) -> Tensor:
    """Return the mean [1, d] of z [N, d]."""
    return z.mean(dim=0, keepdim=True)


def on_noise(prior: Prior, operation: Callable[..., Tensor], *zs: Tensor) -> Tensor:
    """Apply `operation` to the noise of several z [N, z_dim], and keep the category and codes of the first."""
    noise = operation(*(z[:, : prior.noise] for z in zs))
    return torch.cat([noise, zs[0][: len(noise), prior.noise :].expand(len(noise), -1)], dim=1)


def with_category(prior: Prior, z: Tensor, categories: Sequence[int]) -> Tensor:
    """Return z [N, z_dim] with the given categories assigned in turn, or unchanged if there are none."""
    if not categories:
        return z
    assigned = torch.tensor([categories[row % len(categories)] for row in range(len(z))])
    end = prior.noise + prior.categories
    hot = one_hot(assigned, prior.categories).to(z)
    return torch.cat([z[:, : prior.noise], hot, z[:, end:]], dim=1)


# ---- paths -------------------------------------------------------------------------------------------------------


def lerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Return (1 - t) a + t b, linear interpolation."""
    return torch.lerp(a, b, torch.as_tensor(t).to(a))


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """Return the spherical interpolation of a and b [..., d]: constant angular speed (Shoemake 1985), linear norm.

    Samples of a normal distribution in many dimensions lie near a sphere, which linear interpolation leaves. This is
    `lerp` if the angle is 0 or 180 degrees, where the plane of rotation is undefined, or if an end is 0.
    """
    start, end = a.double(), b.double()
    t = torch.as_tensor(t).to(start)
    norms = start.norm(dim=-1, keepdim=True), end.norm(dim=-1, keepdim=True)
    u, v = start / norms[0], end / norms[1]
    angle = 2 * torch.atan2((u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True))
    rotated = (torch.sin((1 - t) * angle) * u + torch.sin(t * angle) * v) / torch.sin(angle)
    defined = torch.sin(angle) > 1e-7
    return torch.where(defined, rotated * torch.lerp(*norms, t), torch.lerp(start, end, t)).to(a.dtype)


def blend_latents(prior: Prior, blend: Blend) -> Blend:
    """Extend `blend` to whole latents: codes are interpolated linearly, and the category changes at t = 0.5."""

    def blended(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
        t = torch.as_tensor(t).to(a)
        end = prior.noise + prior.categories
        noise = blend(a[..., : prior.noise], b[..., : prior.noise], t)
        category = torch.where(t < 0.5, a[..., prior.noise : end], b[..., prior.noise : end])
        return torch.cat([noise, category, lerp(a[..., end:], b[..., end:], t)], dim=-1)

    return blended


def path(points: Tensor, frames: int, blend: Blend = slerp, loop: bool = False) -> Tensor:
    """Return a path through points [K, d] with `frames` steps between neighbours: [(K - 1) frames + 1, d].

    With `loop`, the path returns to the first point and ends one step before it, [K frames, d], so that it can be
    repeated without a jump.
    """
    t = torch.arange(frames, dtype=torch.float64)[:, None] / frames
    following = points.roll(-1, dims=0)
    segments = [blend(a[None], b[None], t) for a, b in zip(points, following, strict=True)]
    return torch.cat(segments) if loop else torch.cat([*segments[:-1], points[-1:]])


# ---- principal components ----------------------------------------------------------------------------------------


def principal_components(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Return the mean [1, F] and the first k principal components [k, F] of x [N, F].

    The components are orthonormal, ordered by decreasing variance, and signed so that the largest element is positive.
    Computed in float64; k is at most min(N, F).
    """
    x = x.double()
    mean = average(x)
    x = x - mean
    if len(x) < x.shape[1]:  # fewer rows than columns: the eigenvectors of x x' give those of x' x
        _, combinations = torch.linalg.eigh(x @ x.T)
        directions = torch.linalg.qr(x.T @ combinations.flip(1)[:, :k])[0].T
    else:
        directions = torch.linalg.eigh(x.T @ x)[1].flip(1)[:, :k].T
    largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    return mean, directions * torch.where(largest < 0, -1.0, 1.0)
