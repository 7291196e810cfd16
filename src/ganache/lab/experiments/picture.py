"""`ganache picture`: the image of a latent, as it is or changed; the request behind the playground's sliders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from ganache.errors import ConfigError
from ganache.lab.experiment import MAX_COLUMNS, Experiment, Inputs, Limits
from ganache.lab.points import Kept, Point

if TYPE_CHECKING:
    from torch import Tensor

    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure
    from ganache.types import Prior

STYLED = ("layers", "mixed", "mixed_layers", "cutoff", "noise")
"""Fields that a generator without styles has no use for."""


@dataclass(frozen=True)
class Picture(Experiment):
    """Generate the image of a latent with some dimensions changed, or moved along directions, like the sliders of the
    playground."""

    limits: ClassVar[Limits] = dict.fromkeys(("layers", "mixed_layers", "cutoff"), (0, MAX_COLUMNS))

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
    space: Literal["z", "w"] = "z"
    """The latents: z, or w of a style-based generator, where std is psi, how far they are from the mean, and a step is
    one standard deviation of w."""
    layers: tuple[int, ...] = ()
    """With --space w: the first and the last layer that each direction moves, from 0, the coarsest; by default all."""
    mixed: tuple[Point, ...] = ()
    """With --space w: latents of which some layers are taken (style mixing)."""
    mixed_layers: tuple[int, ...] = ()
    """The first and the last of these layers, for each of these latents."""
    cutoff: int = 0
    """With --space w: number of layers that psi moves towards the mean, from the coarsest on; 0 for all."""
    noise: Literal["fixed", "random", "none"] = "fixed"
    """With --space w: the noise that the layers add."""

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
        for of, ranges in (("directions", "layers"), ("mixed", "mixed_layers")):
            wanted, given = 2 * len(getattr(self, of)), len(getattr(self, ranges))
            if given != wanted and (given or ranges == "mixed_layers"):
                option = ranges.replace("_", "-")
                raise ConfigError(
                    f"{wanted // 2} {of} and {given} numbers of {option} are given: give two numbers, the first and "
                    f"the last layer, for each of {of}."
                )
        styled = [name for name in STYLED if getattr(self, name) != getattr(type(self), name)]
        if self.space == "z" and styled:
            raise ConfigError(f"{styled[0]} is given, and only w has layers: add --space w.")

    def view(self, model: Model) -> Model:
        from ganache.lab.styles import in_styles, with_noise

        if self.space == "z":
            return super().view(model)
        count = model.generator.style_layers
        if self.cutoff > count > 0:
            raise ConfigError(f"cutoff is {self.cutoff}, and this generator has {count} layers: use 0 to {count}.")
        seen = in_styles(model, "a picture in W", self.cutoff or None)
        return replace(seen, generator=with_noise(seen.generator, self.noise))

    def cost(self, prior: Prior) -> int:
        return len(self.points)

    def latents(self, model: Model) -> Tensor:
        """Return z [N, z_dim]: the points, with their dimensions set, their layers mixed, and moved along directions.

        `model` is as `view` returns it. Raises ConfigError for a dimension, direction or layer that the generator does
        not have.
        """
        import torch

        from ganache.lab.directions import resolve_directions
        from ganache.lab.latent_source import LatentSource
        from ganache.lab.styles import layer_range
        from ganache.lab.sweep import latent_column

        prior = model.prior
        source = LatentSource(prior, self.mean, self.std, *self.classes)
        z = source.from_points(self.points)
        columns = [latent_column(dimension, prior) for dimension in self.dimensions]
        if None in columns:
            raise ConfigError("A category has no values in between: set it with classes, and not as a dimension.")
        values = dict(zip(columns, self.values, strict=True))
        z[:, list(values)] = torch.tensor(list(values.values()), dtype=torch.float64).to(z)
        count = model.generator.style_layers
        for point, layers in zip(self.mixed, pairs(self.mixed_layers), strict=True):
            taken, into = (each.reshape(len(each), count, -1) for each in (source.from_point(point), z))
            part = layer_range(layers, count, "mixed-layers")
            into[:, part] = taken[:, part]
        if self.directions:
            rows = resolve_directions(self.directions, source, model).to(z)
            for row, layers, direction in zip(rows, pairs(self.layers), self.directions, strict=False):
                kept = row.reshape(count, -1)[layer_range(layers, count)].clone()
                if not kept.any():
                    first, last = layers
                    raise ConfigError(
                        f"The direction {direction} moves none of the layers {first} to {last}: give others of them."
                    )
                row.zero_().reshape(count, -1)[layer_range(layers, count)] = kept
            z[:, : prior.noise] += torch.tensor(self.steps).to(z) @ rows
        return z

    def unchanged(self) -> Picture:
        """Return the request for the same latents without changes."""
        return replace(self, dimensions=(), values=(), directions=(), steps=(), layers=(), mixed=(), mixed_layers=())

    def fitting(self, model: Model) -> tuple[Picture, tuple[str, ...]]:
        """Return the request without the changes that a generator lacks, and what these change."""
        from ganache.lab.styles import is_style
        from ganache.lab.sweep import latent_column

        if self.space == "w" and not model.generator.style_layers:
            plain = replace(self, **{name: getattr(type(self), name) for name in STYLED}, space="z", std=1.0)
            fitted, others = plain.fitting(model)
            return fitted, ("styles", *others)
        prior = model.prior

        def has(dimension: int | str) -> bool:
            try:
                return latent_column(dimension, prior) is not None
            except ConfigError:
                return False

        def fits(direction: Point) -> bool:
            kept = [part for part in direction.parts if isinstance(part, Kept) and part.vector]
            if self.space == "w":
                return all(is_style(part, model) for part in kept)
            return all(len(part.vector) == prior.z_dim for part in kept)

        set_to = [pair for pair in zip(self.dimensions, self.values, strict=True) if has(pair[0])]
        along = [each for each in range(len(self.directions)) if fits(self.directions[each])]
        classes = tuple(each for each in self.classes if each < prior.categories)
        lacks = [f"dimension {each}".replace("dimension code", "code ") for each in self.dimensions if not has(each)]
        lacks += [f"direction {each}" for each in self.directions if not fits(each)]
        lacks += [f"class {each}" for each in self.classes if each not in classes]
        fitted = replace(
            self,
            dimensions=tuple(dimension for dimension, _ in set_to),
            values=tuple(value for _, value in set_to),
            directions=tuple(self.directions[each] for each in along),
            steps=tuple(self.steps[each] for each in along),
            layers=tuple(layer for each in along for layer in self.layers[2 * each : 2 * each + 2]),
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
        mixed = [
            f"layers {first} to {last} of {point}"
            for point, (first, last) in zip(self.mixed, pairs(self.mixed_layers), strict=True)
        ]
        every = [*changes, *mixed, *moves]
        changed = f", changed: {', '.join(every)}" if every else ""
        which = "The picture of a latent" if len(labels) == 1 else f"The pictures of {len(labels)} latents"
        return Figure(f"{which}{changed}.", ((ImageGrid(pictures, len(labels), labels, (), model.name),),))


def pairs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first two numbers, the next two, and so on."""
    return zip(numbers[::2], numbers[1::2], strict=True)
