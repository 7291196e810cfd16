"""Latent arithmetic: pure functions on z [N, z_dim] or w [N, w_dim], one latent a row.

A latent's address is a whole number, its seed: latent `seed` is the same whatever stands beside it in a batch.

What mixes latents (sums, means, paths) is meant for their noise. A latent with a category or codes at its end goes
through `on_noise` or `between`, so that the one-hot part stays one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ganache.types import Prior

Blend = Callable[[Tensor, Tensor, "float | Tensor"], Tensor]
"""(a, b, t) -> what lies at t on a way from a (t = 0) to b (t = 1)."""


# ---- single latents ----------------------------------------------------------------------------------------------


def from_seeds(prior: Prior, seeds: Iterable[int], categories: Sequence[int] = ()) -> Tensor:
    """One latent a seed, z [N, z_dim], drawn on the CPU so that it is the same on every device.

    `categories`, where given, are taken in turn, again and again; else each seed chooses its own.
    """
    parts = []
    for place, seed in enumerate(seeds):
        category = torch.tensor([categories[place % len(categories)]]) if categories else None
        parts.append(prior.sample(1, category=category, generator=torch.Generator().manual_seed(seed)))
    return torch.cat(parts)


def shifted_prior(prior: Prior, mean: float, std: float) -> Prior:
    """The prior around another mean, its spread scaled by `std`."""
    return replace(prior, mean=mean, std=std * prior.std)


def samples(
    prior: Prior, n: int, *, mean: float = 0.0, std: float = 1.0, seed: int = 0, classes: Sequence[int] = ()
) -> Tensor:
    """The latents z [n, z_dim] of `seed`, `seed` + 1, ..., from the prior moved to `mean` and scaled by `std`."""
    return from_seeds(shifted_prior(prior, mean, std), range(seed, seed + n), classes)


def truncate(z: Tensor, psi: float, mean: float = 0.0) -> Tensor:
    """mean + psi (z - mean): nearer to the mean for psi < 1 (Karras et al. 2019, StyleGAN, appendix B)."""
    return torch.lerp(torch.full_like(z, mean), z, psi)


def jitter(z: Tensor, seeds: Iterable[int], scale: float = 0.25) -> Tensor:
    """z [1, d] -> one neighbour a seed [N, d]: z + U[-scale, scale] in each dimension (Radford 2016, figure 7)."""
    moves = [torch.rand(z.shape[1], generator=torch.Generator().manual_seed(seed)) * 2 - 1 for seed in seeds]
    return z + scale * torch.stack(moves).to(z)


def traverse(z: Tensor, dimension: int, values: Sequence[float]) -> Tensor:
    """z [N, d] -> [N K, d]: each latent K times, its one `dimension` set to each of K values; all else is kept."""
    several = z.repeat_interleave(len(values), dim=0)
    several[:, dimension] = torch.tensor(values, dtype=torch.float64).to(z).repeat(len(z))
    return several


def quantiles(k: int, low: float = 0.14, high: float = 0.86) -> list[float]:
    """k standard-normal quantiles at probabilities in equal steps from `low` to `high`.

    Eight of them are the anime article's values.

    >>> [round(value, 3) for value in quantiles(4)]
    [-1.08, -0.305, 0.305, 1.08]
    """
    return torch.special.ndtri(torch.linspace(low, high, k, dtype=torch.float64)).tolist()  # type: ignore[no-any-return]


# ---- several at once ---------------------------------------------------------------------------------------------


def add(a: Tensor, b: Tensor) -> Tensor:
    """a + b."""
    return a + b


def abs_difference(a: Tensor, b: Tensor) -> Tensor:
    """|a - b|, in each dimension."""
    return (a - b).abs()


def product(a: Tensor, b: Tensor) -> Tensor:
    """a * b, in each dimension."""
    return a * b


def analogy(a: Tensor, b: Tensor, c: Tensor) -> Tensor:
    """a - b + c: what makes a differ from b, done to c (Radford 2016, section 6.3.2)."""
    return a - b + c


def average(z: Tensor) -> Tensor:
    """z [N, d] -> their mean [1, d]."""
    return z.mean(dim=0, keepdim=True)


def on_noise(prior: Prior, operation: Callable[..., Tensor], *zs: Tensor) -> Tensor:
    """`operation` on the noise of several z [N, z_dim]; category and codes are those of the first."""
    changed = operation(*(z[:, : prior.noise] for z in zs))
    return torch.cat([changed, zs[0][: len(changed), prior.noise :].expand(len(changed), -1)], dim=1)


def with_category(prior: Prior, z: Tensor, categories: Sequence[int]) -> Tensor:
    """z [N, z_dim] made to be of the given categories, in turn; as it is without any."""
    if not categories:
        return z
    turns = torch.tensor([categories[row % len(categories)] for row in range(len(z))])
    end = prior.noise + prior.categories
    hot = one_hot(turns, prior.categories).to(z)
    return torch.cat([z[:, : prior.noise], hot, z[:, end:]], dim=1)


# ---- ways --------------------------------------------------------------------------------------------------------


def lerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """The straight way: (1 - t) a + t b."""
    return torch.lerp(a, b, torch.as_tensor(t).to(a))


def slerp(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
    """The way on the sphere, a and b [..., d]: the direction turns evenly (Shoemake 1985), the norm goes straight.

    Samples of a normal distribution in many dimensions lie near a sphere, and a straight way leaves it. Where the
    angle is 0, or a half turn (which has no one plane), or an end is 0, this is `lerp`.
    """
    far, near = a.double(), b.double()
    t = torch.as_tensor(t).to(far)
    norms = far.norm(dim=-1, keepdim=True), near.norm(dim=-1, keepdim=True)
    u, v = far / norms[0], near / norms[1]
    angle = 2 * torch.atan2((u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True))
    turned = (torch.sin((1 - t) * angle) * u + torch.sin(t * angle) * v) / torch.sin(angle)
    known = torch.sin(angle) > 1e-7
    return torch.where(known, turned * torch.lerp(*norms, t), torch.lerp(far, near, t)).to(a.dtype)


def blend_latents(prior: Prior, blend: Blend) -> Blend:
    """`blend` for whole latents: the noise goes its way, continuous codes go straight, the category changes halfway."""

    def blended(a: Tensor, b: Tensor, t: float | Tensor) -> Tensor:
        t = torch.as_tensor(t).to(a)
        end = prior.noise + prior.categories
        noise = blend(a[..., : prior.noise], b[..., : prior.noise], t)
        category = torch.where(t < 0.5, a[..., prior.noise : end], b[..., prior.noise : end])
        return torch.cat([noise, category, lerp(a[..., end:], b[..., end:], t)], dim=-1)

    return blended


def path(points: Tensor, frames: int, blend: Blend = slerp, loop: bool = False) -> Tensor:
    """A way through points [K, d], `frames` steps from each to the next: [(K - 1) frames + 1, d].

    A loop goes back to the first point and ends a step before it, [K frames, d], so that it can be shown for ever.
    """
    t = torch.arange(frames, dtype=torch.float64)[:, None] / frames
    ends = points.roll(-1, dims=0)
    legs = [blend(a[None], b[None], t) for a, b in zip(points, ends, strict=True)]
    return torch.cat(legs) if loop else torch.cat([*legs[:-1], points[-1:]])


# ---- what many have in common ------------------------------------------------------------------------------------


def principal_components(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """(mean [1, F], the k directions [k, F] in which x [N, F] varies most): orthonormal, the greatest first.

    Each points so that its largest number is positive. Computed in float64; k is at most min(N, F).
    """
    x = x.double()
    mean = average(x)
    x = x - mean
    if len(x) < x.shape[1]:  # few pictures of many pixels: the eigenvectors of x x' lead to those of x' x
        _, combinations = torch.linalg.eigh(x @ x.T)
        directions = torch.linalg.qr(x.T @ combinations.flip(1)[:, :k])[0].T
    else:
        directions = torch.linalg.eigh(x.T @ x)[1].flip(1)[:, :k].T
    largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    return mean, directions * torch.where(largest < 0, -1.0, 1.0)
