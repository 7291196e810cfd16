"""Points, classes and dimensions as a request has them -> latents of one generator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ganache.errors import ConfigError, choices
from ganache.functional import latents
from ganache.lab.requests import Kept, Point, Traverse, refuse_classes, refuse_unknown
from ganache.types import Prior


@dataclass(frozen=True)
class Place:
    """Where a request's seeds are drawn: the prior around `mean`, its spread scaled by `std`, of one class or any."""

    prior: Prior
    mean: float = 0.0
    std: float = 1.0
    category: int | None = None

    def of_seeds(self, *seeds: int) -> Tensor:
        """One latent a seed, z [N, z_dim]."""
        classes = () if self.category is None else (self.category,)
        refuse_classes(classes, self.prior)
        return latents.from_seeds(latents.shifted_prior(self.prior, self.mean, self.std), seeds, classes)

    def of_point(self, point: Point) -> Tensor:
        """z [1, z_dim]: the mean noise of the point's parts; category and codes are those of the first."""
        parts = torch.cat([self.of_part(part) for part in point.parts])
        return latents.on_noise(self.prior, latents.average, parts)

    def of_part(self, part: int | str | Kept) -> Tensor:
        """z [1, z_dim] of one part. Raises ConfigError for a name, and for a vector of another length."""
        if isinstance(part, str):
            refuse_unknown(part, {})
        if isinstance(part, int):
            return self.of_seeds(part)
        if part.seeds:
            return latents.on_noise(self.prior, latents.average, self.where_kept(part).of_seeds(*part.seeds))
        if len(part.vector) != self.prior.z_dim:
            name = f"The latent '{part.name}'" if part.name else "A latent"
            raise ConfigError(
                f"{name} has {len(part.vector)} numbers, and this generator's latents have {self.prior.z_dim}: it is "
                "of another run."
            )
        z = torch.tensor([part.vector])
        if self.category is None:
            return z
        refuse_classes((self.category,), self.prior)
        return latents.with_category(self.prior, z, (self.category,))

    def where_kept(self, kept: Kept) -> Place:
        """Where the seeds of a kept latent were drawn."""
        return Place(self.prior, kept.mean, kept.std, self.category)

    def exemplars(self, point: Point) -> Tensor:
        """z [N, z_dim], whose mean is the point: its parts, or the seeds of a kept latent."""
        first = point.parts[0]
        if len(point.parts) == 1 and isinstance(first, Kept) and first.seeds:
            return self.where_kept(first).of_seeds(*first.seeds)
        return torch.cat([self.of_part(part) for part in point.parts])


@dataclass(frozen=True)
class Sweep:
    """What a traverse changes, and to what."""

    name: str
    dimension: int | None
    """In z; None for the category."""
    values: tuple[float, ...]

    def over(self, prior: Prior, z: Tensor) -> Tensor:
        """z [N, z_dim] -> [N K, z_dim]: each latent with each of K values."""
        if self.dimension is not None:
            return latents.traverse(z, self.dimension, self.values)
        several = z.repeat_interleave(len(self.values), dim=0)
        return latents.with_category(prior, several, [int(value) for value in self.values])

    def captions(self) -> tuple[str, ...]:
        """Of the values."""
        return tuple(f"{value:.3g}" for value in self.values)


def sweep(request: Traverse, prior: Prior) -> Sweep:
    """A traverse's columns. Raises ConfigError for a dimension that the latents do not have."""
    dimension, end = column(request.dimension, prior), prior.noise + prior.categories
    if dimension is None:
        return category_sweep(request, prior)
    if dimension < end:
        return Sweep(f"dimension {dimension}", dimension, request.values or tuple(latents.quantiles(request.quantiles)))
    even = tuple(np.linspace(-1, 1, request.quantiles).tolist())
    return Sweep(f"code {dimension - end + 1}", dimension, request.values or even)


def column(dimension: int | str, prior: Prior) -> int | None:
    """Where in z a dimension stands; None for the category. Raises ConfigError for one that the latents do not have."""
    end = prior.noise + prior.categories
    if isinstance(dimension, str):
        names = [*(["category"] if prior.categories else []), *(f"code{k + 1}" for k in range(prior.continuous))]
        if dimension not in names:
            known = choices(dimension, names) if names else f"use a number from 0 to {prior.z_dim - 1}."
            raise ConfigError(f"This generator's latents have no '{dimension}': {known}")
        if dimension == "category":
            return None
        dimension = end + names.index(dimension) - bool(prior.categories)
    if not 0 <= dimension < prior.z_dim:
        raise ConfigError(f"There is no dimension {dimension}: this generator's latents have 0 to {prior.z_dim - 1}.")
    if prior.noise <= dimension < end:
        raise ConfigError(f"Dimension {dimension} is one of the category's: use --dimension category.")
    return dimension


def category_sweep(request: Traverse, prior: Prior) -> Sweep:
    """Every category, or those that the request's classes name."""
    if request.values:
        raise ConfigError("A category has no values between: leave --values out, and choose some with --classes.")
    refuse_classes(request.classes, prior)
    return Sweep("the category", None, request.classes or tuple(range(prior.categories)))
