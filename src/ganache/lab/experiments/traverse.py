"""`ganache traverse`: one dimension of the latent takes several values, everything else stays."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, ClassVar

from ganache.errors import ConfigError
from ganache.lab.experiment import MAX_COLUMNS, Experiment, Inputs, Limits, PageView
from ganache.lab.points import Point

if TYPE_CHECKING:
    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure
    from ganache.lab.sweep import Sweep
    from ganache.types import Prior


@dataclass(frozen=True)
class Traverse(Experiment):
    """Change one dimension and keep all others. Rows are latents, columns are values of the dimension."""

    limits: ClassVar[Limits] = {"quantiles": (1, MAX_COLUMNS), "reach": (0, 1e6)}
    page = PageView(
        "One dimension",
        "One number of the latent goes from low to high. The rows are the large picture and the pinned ones.",
        {"std": 1.0, "reach": 3.0},
        ("points", "classes"),
    )

    dimension: int | str = 0
    """The dimension to change: its number, from 0; or `category`, `code1`, `code2`, ... if the latents have them."""
    means: tuple[float, ...] = (-0.6, -0.3, 0.1, 0.3, 0.6)
    """Means of the latents, one row for each; all rows have the same seed."""
    values: tuple[float, ...] = ()
    """Values of the dimension; by default quantiles of the normal distribution."""
    quantiles: int = 8
    """Number of these quantiles, from 14 % to 86 %; for a code, of evenly spaced values from -1 to 1."""
    reach: float | None = None
    """Instead of these quantiles, take evenly spaced values from so many stds of the prior below its mean to as many
    above, as the sliders of the playground do; a code, from -1 to 1, is not affected."""
    points: tuple[Point, ...] = ()
    """Latents to use instead of means: seeds, names, or averages of several (3,17,smiling)."""
    std: float = 0.4
    """Scale of the latents of seeds."""
    seed: int = 0
    """Seed of the latent in every row."""
    classes: tuple[int, ...] = ()
    """One row per class; by default each latent keeps its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.points:
            self.check_not_empty("means")

    def cost(self, prior: Prior) -> int:
        rows = (len(self.points) or len(self.means)) * max(1, len(self.classes))
        return rows * (len(self.values) or max(self.quantiles, prior.categories))

    def sweep(self, prior: Prior) -> Sweep:
        """Return the values of the dimension. Raises ConfigError for a dimension that the latents do not have."""
        from numpy import linspace

        from ganache.functional.latents import quantiles
        from ganache.lab.sweep import Sweep, latent_column

        column, end = latent_column(self.dimension, prior), prior.noise + prior.categories
        if column is None:
            return self.category_sweep(prior)
        if column < end:
            return Sweep(
                f"dimension {column}", column, self.values or self.evenly(prior) or tuple(quantiles(self.quantiles))
            )
        even = tuple(linspace(-1, 1, self.quantiles).tolist())
        return Sweep(f"code {column - end + 1}", column, self.values or even)

    def evenly(self, prior: Prior) -> tuple[float, ...]:
        """Return the values within `reach`; none without it."""
        from numpy import linspace

        if self.reach is None:
            return ()
        side = self.reach * prior.std
        return tuple(linspace(prior.mean - side, prior.mean + side, self.quantiles).round(6).tolist())

    def category_sweep(self, prior: Prior) -> Sweep:
        """Return a sweep of the given classes, by default all."""
        from ganache.lab.latent_source import check_classes
        from ganache.lab.sweep import Sweep

        if self.values:
            raise ConfigError(
                "A category has no values in between: choose some with --classes, and leave --values out."
            )
        check_classes(self.classes, prior)
        return Sweep("class", None, self.classes or tuple(range(prior.categories)))

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """Rows: means or points, for each of the classes. Columns: values."""
        import torch

        from ganache.core.rendering import render
        from ganache.lab.captions import join
        from ganache.lab.figure import Figure, ImageGrid
        from ganache.lab.latent_source import LatentSource

        sweep = self.sweep(model.prior)
        classes = self.classes if sweep.dimension is not None and self.classes else (None,)
        base = Point((self.seed,))
        starts = [(str(point), 0.0, point) for point in self.points]
        starts = starts or [(f"mean {mean:g}", mean, base) for mean in self.means]
        rows, labels = [], []
        for (name, mean, point), category in product(starts, classes):
            rows.append(LatentSource(model.prior, mean, self.std, category).from_point(point))
            labels.append(join(name, "" if category is None else f"class {category}"))
        pictures = render(model.generator, sweep.apply(model.prior, torch.cat(rows)))
        title = f"One latent per row; from left to right only its {sweep.name} changes, {range_of(sweep)}."
        grid = ImageGrid(pictures, len(sweep.values), sweep.labels(), tuple(labels), model.name, connected=True)
        return Figure(title, ((grid,),))


def range_of(sweep: Sweep) -> str:
    """Return the words for the range of a sweep.

    >>> from ganache.lab.sweep import Sweep
    >>> range_of(Sweep("dimension 5", 5, (-3.0, 0.0, 3.0)))
    'from -3 to 3, to the value above'
    """
    if sweep.dimension is None or len(sweep.values) < 2:
        return "to the value above"
    return f"from {min(sweep.values):.3g} to {max(sweep.values):.3g}, to the value above"
