"""`ganache along`: latents moved along directions that a run keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ganache.errors import ConfigError
from ganache.lab.experiment import Experiment, Inputs
from ganache.lab.points import Point

if TYPE_CHECKING:
    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure
    from ganache.types import Prior


@dataclass(frozen=True)
class Along(Experiment):
    """Move latents along saved directions. Each row is one direction and one latent, each column a distance."""

    directions: tuple[Point, ...] = ()
    """Names from `ganache directions --keep`, or sefa1, pca1, ...; a latent stands for the direction from 0 towards
    it."""
    points: tuple[Point, ...] = (Point((0,)), Point((1,)), Point((2,)))
    """Latents to move: seeds, names, or averages of several (3,17,smiling)."""
    steps: tuple[float, ...] = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
    """How far to move them along each direction, whose length is 1."""
    mean: float = 0.0
    """Mean of the latents of seeds."""
    std: float = 1.0
    """Scale of the latents of seeds."""
    classes: tuple[int, ...] = ()
    """One class for all latents; by default each latent keeps its own."""
    space: Literal["z", "w"] = "z"
    """The latents: z, or w of a style-based generator, where a step is one standard deviation of w."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_not_empty("points", "steps")
        self.check_one_class("directions are shown in one")

    def cost(self, prior: Prior) -> int:
        return len(self.directions) * len(self.points) * len(self.steps)

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """Rows: directions, for each of the points. Columns: steps."""
        from ganache.lab.directions import moved_grid, resolve_directions
        from ganache.lab.figure import Figure
        from ganache.lab.latent_source import LatentSource

        if not self.directions:
            raise ConfigError("No direction is named: keep some with  ganache directions RUN --keep NAME")
        source = LatentSource(model.prior, self.mean, self.std, *self.classes)
        rows = resolve_directions(self.directions, source, model)
        title = "From left to right a latent is moved along the direction beside it, by the number above."
        captions = [str(each) for each in self.directions]
        return Figure(title, ((moved_grid(rows, captions, self.points, self.steps, source, model),),))
