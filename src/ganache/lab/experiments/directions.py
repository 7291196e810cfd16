"""`ganache directions`: directions in latent space along which the images change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ganache.errors import ConfigError
from ganache.lab.experiment import Experiment, Inputs, Limits
from ganache.lab.points import Point

if TYPE_CHECKING:
    from torch import Tensor

    from ganache.core.rendering import Model
    from ganache.lab.direction_check import DirectionCheck
    from ganache.lab.figure import Figure
    from ganache.lab.latent_source import LatentSource
    from ganache.types import Prior

TITLES = {
    "sefa": "The directions of the latent that the generator's first weight stretches most (SeFa).",
    "pca": "The directions of the latent that explain most of the first layer's variance (GANSpace).",
    "examples": "The direction from latents without a feature to latents with it.",
}
EXAMPLE_ROWS = 5
"""Latents that are moved along a direction from examples, by default."""


@dataclass(frozen=True)
class Directions(Experiment):
    """Find directions in latent space that change the images: by SeFa, by PCA, or from examples with and without a
    feature."""

    finds_latents = True
    limits: ClassVar[Limits] = {"ridge": (1e-6, 1e6)}

    how: Literal["sefa", "pca", "examples"] = "sefa"
    """sefa: from the first weight; pca: from the first layer's activations; examples: from latents with and without a
    feature."""
    top: int = 8
    """For sefa and pca: number of directions, the strongest first."""
    having: tuple[Point, ...] = ()
    """For examples: latents whose images have the feature, as seeds or names; a name of several seeds stands for each
    of them."""
    lacking: tuple[Point, ...] = ()
    """For examples: latents whose images do not have it."""
    points: tuple[Point, ...] = ()
    """Latents to move; by default that of the seed (for examples: of five seeds)."""
    steps: tuple[float, ...] = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
    """How far to move them along each direction, whose length is 1."""
    ridge: float = 1.0
    """For examples: strength of the logistic regression's L2 regularisation; use more for fewer examples."""
    n: int = 1000
    """For pca: number of latents whose activations are compared."""
    mean: float = 0.0
    """Mean of the latents of seeds."""
    std: float = 1.0
    """Scale of the latents of seeds."""
    seed: int = 0
    """The first seed."""
    classes: tuple[int, ...] = ()
    """One class for all latents; by default each latent keeps its own."""
    space: Literal["z", "w"] = "z"
    """The latents: z, or w of a style-based generator, where a step is one standard deviation of w."""
    layers: tuple[int, ...] = ()
    """With --space w: the first and the last layer to change, from 0, the coarsest; by default all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_not_empty("steps")
        self.check_one_class("directions are shown in one")
        if self.how == "examples":
            self.check_not_empty("having", "lacking")
        if self.layers and self.space == "z":
            raise ConfigError("layers are given, and only w has layers: add --space w.")
        if self.how != "examples" and (self.having or self.lacking):
            raise ConfigError(f"having and lacking are for examples, and not for {self.how}: add --how examples.")

    def cost(self, prior: Prior) -> int | None:
        if self.how == "examples":
            return None
        return self.top * max(1, len(self.points)) * len(self.steps) + self.n * (self.how == "pca")

    def directions(self, model: Model) -> tuple[Tensor, list[str]]:
        """Return (unit directions in the noise [K, noise], their captions)."""
        from ganache.lab.directions import direction_of_examples, generator_directions
        from ganache.lab.latent_source import LatentSource

        if self.how == "examples":
            source = LatentSource(model.prior, self.mean, self.std, *self.classes)
            return direction_of_examples(source, model, self.having, self.lacking, self.ridge, self.layers)
        return generator_directions(
            model,
            self.how,
            self.top,
            n=self.n,
            mean=self.mean,
            std=self.std,
            seed=self.seed,
            classes=self.classes,
            layers=self.layers,
        )

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """Rows: directions, for each of the points. Columns: steps."""
        import torch

        from ganache.lab.directions import moved_grid, one_step
        from ganache.lab.figure import Figure
        from ganache.lab.latent_source import LatentSource

        rows, captions = self.directions(model)
        seeds = range(self.seed, self.seed + (EXAMPLE_ROWS if self.how == "examples" else 1))
        points = self.points or tuple(Point((seed,)) for seed in seeds)
        source = LatentSource(model.prior, self.mean, self.std, *self.classes)
        whole = torch.zeros(len(rows), model.prior.z_dim)
        whole[:, : model.prior.noise] = rows
        steps = one_step(model, rows)
        found = self.check(steps, source, model)
        return Figure(
            f"{TITLES[self.how]} From left to right a latent is moved along each, by the number above.",
            ((moved_grid(steps, captions, points, self.steps, source, model),),),
            tuple(tuple(row) for row in whole.tolist()),
            remark="" if found is None else found.describe(),
        )

    def check(self, rows: Tensor, source: LatentSource, model: Model) -> DirectionCheck | None:
        """Measure whether a direction from examples [1, noise], one step long, moves the feature; None for others, and
        if there is one step."""
        from ganache.lab.direction_check import check_direction

        steps = min(self.steps), max(self.steps)
        if self.how != "examples" or steps[0] == steps[1]:
            return None
        having, lacking = source.all_exemplars(self.having), source.all_exemplars(self.lacking)
        return check_direction(source, model, rows, having, lacking, self.ridge, steps, self.layers)
