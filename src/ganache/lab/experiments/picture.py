"""`ganache picture`: the image of a latent, as it is or changed; the request behind the playground's sliders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ganache.errors import ConfigError
from ganache.lab.experiment import MAX_COLUMNS, Experiment, Inputs
from ganache.lab.points import Kept, Point

if TYPE_CHECKING:
    from torch import Tensor

    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure
    from ganache.types import Prior


@dataclass(frozen=True)
class Picture(Experiment):
    """Generate the image of a latent with some dimensions changed, or moved along directions, like the sliders of the
    playground."""

    points: tuple[Point, ...] = (Point((0,)),)
    """The latents: seeds, names, or averages of several (3,17,smiling)."""
    dimensions: tuple[int | str, ...] = ()
    """Dimensions to set: numbers from 0, or `code1`, `code2`, ... if the latents have codes."""
    values: tuple[float, ...] = ()
    """The new values of these dimensions, in the same order."""
    directions: tuple[Point, ...] = ()
    """Directions to move along: names that the run keeps; or sefa1, sefa2, ..., pca1, ..., computed from the
    generator."""
    steps: tuple[float, ...] = ()
    """How far to move along each direction."""
    mean: float = 0.0
    """Mean of the latents of seeds."""
    std: float = 1.0
    """Scale of the latents of seeds."""
    classes: tuple[int, ...] = ()
    """One class for all latents; by default each latent keeps its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_not_empty("points")
        self.check_length("latents", len(self.points), MAX_COLUMNS)
        self.check_one_class("all latents are changed alike")
        for of, many in (("dimensions", "values"), ("directions", "steps")):
            wanted, given = len(getattr(self, of)), len(getattr(self, many))
            self.check_length(of, wanted, MAX_COLUMNS)
            if wanted != given:
                raise ConfigError(f"{wanted} {of} and {given} {many} are given: give one of {many} for each.")

    def cost(self, prior: Prior) -> int:
        return len(self.points)

    def latents(self, model: Model) -> Tensor:
        """Return z [N, z_dim]: the points, with their dimensions set, then moved along the directions.

        Raises ConfigError for a dimension or direction that the generator does not have.
        """
        import torch

        from ganache.lab.directions import resolve_directions
        from ganache.lab.latent_source import LatentSource
        from ganache.lab.sweep import latent_column

        prior = model.prior
        source = LatentSource(prior, self.mean, self.std, *self.classes)
        z = source.from_points(self.points)
        columns = [latent_column(dimension, prior) for dimension in self.dimensions]
        if None in columns:
            raise ConfigError("A category has no values in between: set it with classes, and not as a dimension.")
        values = dict(zip(columns, self.values, strict=True))
        z[:, list(values)] = torch.tensor(list(values.values()), dtype=torch.float64).to(z)
        if self.directions:
            moves = torch.tensor(self.steps).to(z) @ resolve_directions(self.directions, source, model).to(z)
            z[:, : prior.noise] += moves
        return z

    def fitting(self, prior: Prior) -> tuple[Picture, tuple[str, ...]]:
        """Return the request without the changes that a generator with this prior lacks, and what these change."""
        from ganache.lab.sweep import latent_column

        def has(dimension: int | str) -> bool:
            try:
                return latent_column(dimension, prior) is not None
            except ConfigError:
                return False

        def fits(direction: Point) -> bool:
            lengths = {len(part.vector) for part in direction.parts if isinstance(part, Kept)}
            return lengths <= {0, prior.z_dim}

        set_to = [pair for pair in zip(self.dimensions, self.values, strict=True) if has(pair[0])]
        along = [pair for pair in zip(self.directions, self.steps, strict=True) if fits(pair[0])]
        classes = tuple(each for each in self.classes if each < prior.categories)
        lacks = [f"dimension {each}".replace("dimension code", "code ") for each in self.dimensions if not has(each)]
        lacks += [f"direction {each}" for each in self.directions if not fits(each)]
        lacks += [f"class {each}" for each in self.classes if each not in classes]
        fitted = replace(
            self,
            dimensions=tuple(dimension for dimension, _ in set_to),
            values=tuple(value for _, value in set_to),
            directions=tuple(direction for direction, _ in along),
            steps=tuple(step for _, step in along),
            classes=classes,
        )
        return fitted, tuple(lacks)

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """The images in one row."""
        from ganache.core.rendering import render
        from ganache.lab.figure import Figure, ImageGrid

        pictures = render(model.generator, self.latents(model))
        labels = tuple(map(str, self.points))
        changes = [f"{name} set to {value:.3g}" for name, value in zip(self.dimensions, self.values, strict=True)]
        moves = [f"{step:+.3g} along {name}" for name, step in zip(self.directions, self.steps, strict=True)]
        changed = f", changed: {', '.join([*changes, *moves])}" if changes or moves else ""
        which = "The picture of a latent" if len(labels) == 1 else f"The pictures of {len(labels)} latents"
        return Figure(f"{which}{changed}.", ((ImageGrid(pictures, len(labels), labels, (), model.name),),))
