"""Seeds, points and classes of a request, turned into latents of one generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ganache.errors import ConfigError
from ganache.functional import latents
from ganache.lab.points import Kept, Point, raise_unknown_name
from ganache.lab.styles import StylePrior
from ganache.types import Prior


def check_classes(classes: Sequence[int], prior: Prior) -> None:
    """Raise ConfigError for a class that the generator was not trained with."""
    wrong = [each for each in classes if not 0 <= each < prior.categories]
    if wrong:
        known = f"has classes 0 to {prior.categories - 1}" if prior.categories else "has no classes"
        raise ConfigError(f"There is no class {wrong[0]}: this generator {known}.")


def sample_latents(prior: Prior, n: int, mean: float, std: float, seed: int, classes: Sequence[int] = ()) -> Tensor:
    """Return the latents z [n, z_dim] of `seed`, `seed` + 1, ..., from the prior moved to `mean` and scaled by `std`.

    `classes` are used in turn; without any, the seeds choose. Raises ConfigError for an unknown class.
    """
    check_classes(classes, prior)
    return latents.samples(prior, n, mean=mean, std=std, seed=seed, classes=classes)


@dataclass(frozen=True)
class LatentSource:
    """Turns seeds and points into latents, drawn from the prior moved to `mean` and scaled by `std`.

    With a `category`, all latents are of this class.
    """

    prior: Prior
    mean: float = 0.0
    std: float = 1.0
    category: int | None = None

    def from_seeds(self, *seeds: int) -> Tensor:
        """Return one latent per seed, z [N, z_dim]."""
        classes = () if self.category is None else (self.category,)
        check_classes(classes, self.prior)
        return latents.from_seeds(latents.shifted_prior(self.prior, self.mean, self.std), seeds, classes)

    def from_point(self, point: Point) -> Tensor:
        """Return the latent of a point, z [1, z_dim]: the mean noise of its parts, category and codes of the first."""
        parts = torch.cat([self.from_part(part) for part in point.parts])
        return latents.on_noise(self.prior, latents.average, parts)

    def from_points(self, points: Sequence[Point]) -> Tensor:
        """Return one latent per point, z [N, z_dim]."""
        return torch.cat([self.from_point(point) for point in points])

    def from_part(self, part: int | str | Kept) -> Tensor:
        """Return the latent of one part, z [1, z_dim].

        Raises ConfigError for a name that was not resolved, and for a vector of another length than the latents.
        """
        if isinstance(part, str):
            raise_unknown_name(part, {})
        if isinstance(part, int):
            return self.from_seeds(part)
        if part.seeds:
            return latents.on_noise(self.prior, latents.average, self.of_kept(part).from_seeds(*part.seeds))
        if isinstance(self.prior, StylePrior) and len(part.vector) == self.prior.mapped.z_dim:
            return self.prior.of_latents(replace(self, prior=self.prior.mapped).from_part(part))
        if len(part.vector) != self.prior.z_dim:
            name = f"The latent '{part.name}'" if part.name else "A latent"
            raise ConfigError(
                f"{name} has {len(part.vector)} numbers, and this generator's latents have {self.prior.z_dim}: use it "
                "with the run that it comes from, and with --space w if it is one of w."
            )
        z = torch.tensor([part.vector])
        if self.category is None or isinstance(self.prior, StylePrior):  # w has no part for a class
            return z
        check_classes((self.category,), self.prior)
        return latents.with_category(self.prior, z, (self.category,))

    def of_kept(self, kept: Kept) -> LatentSource:
        """Return the source from which the seeds of a kept latent are drawn."""
        return LatentSource(self.prior, kept.mean, kept.std, self.category)

    def exemplars(self, point: Point) -> Tensor:
        """Return the latents whose mean is the point, z [N, z_dim]: its parts, or the seeds of a kept latent."""
        first = point.parts[0]
        if len(point.parts) == 1 and isinstance(first, Kept) and first.seeds:
            return self.of_kept(first).from_seeds(*first.seeds)
        return torch.cat([self.from_part(part) for part in point.parts])

    def all_exemplars(self, points: Sequence[Point]) -> Tensor:
        """Return the exemplars of all points, z [N, z_dim]."""
        return torch.cat([self.exemplars(point) for point in points])
