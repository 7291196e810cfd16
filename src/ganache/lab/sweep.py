"""Latents in which one dimension takes several values."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganache.errors import ConfigError, choices
from ganache.functional import latents
from ganache.types import Prior


@dataclass(frozen=True)
class Sweep:
    """One dimension of the latents and the values that it takes."""

    name: str
    dimension: int | None
    """Column of z; None for the category."""
    values: tuple[float, ...]

    def apply(self, prior: Prior, z: Tensor) -> Tensor:
        """Return each latent with each of the K values: z [N, z_dim] -> [N K, z_dim]."""
        if self.dimension is not None:
            return latents.traverse(z, self.dimension, self.values)
        repeated = z.repeat_interleave(len(self.values), dim=0)
        return latents.with_category(prior, repeated, [int(value) for value in self.values])

    def labels(self) -> tuple[str, ...]:
        """Return one label per value."""
        return tuple(f"{value:.3g}" for value in self.values)


def latent_column(dimension: int | str, prior: Prior) -> int | None:
    """Return the column of z that a dimension names; None for "category".

    Raises ConfigError for a dimension that the latents do not have.
    """
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
