"""`ganache arithmetic`: sums, differences and products of latents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ganache.errors import ConfigError
from ganache.lab.experiment import Experiment, Inputs, Limits
from ganache.lab.points import Point

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure, ImageGrid
    from ganache.types import Prior

NAMES = {
    "a+b": ("a + b", "their sum"),
    "abs(a-b)": ("|a - b|", "their absolute difference"),
    "a*b": ("a * b", "their product in each dimension"),
    "mix": ("from a to b", "their mixture"),
    "a-b+c": ("a - b + c", ""),
}
"""Each operation: its formula in captions, and what titles call its result."""


@dataclass(frozen=True)
class Arithmetic(Experiment):
    """Compute with latents: a+b, abs(a-b), a*b, a mix of a and b; or a-b+c of averaged exemplars, as in Radford et al.
    2016, figure 7."""

    limits: ClassVar[Limits] = {"jitter": (0, 1e6), "weight": (0, 1)}

    operation: Literal["a+b", "abs(a-b)", "a*b", "mix", "a-b+c"] = "a+b"
    """The operation, in each dimension of the noise; category and codes are those of a."""
    points: tuple[Point, ...] = (Point((0,)), Point((1,)))
    """a, b and, for a-b+c, c: seeds, names, or averages of several (3,17,smiling)."""
    weight: float = 0.5
    """For mix: how far the result lies on the arc from a (0) to b (1)."""
    mean: float = 0.0
    """Mean of the latents of seeds."""
    std: float = 1.0
    """Scale of the latents of seeds."""
    jitter: float = 0.25
    """For a-b+c: images around the result are shown too; their latents differ from it by at most this in each
    dimension."""
    seed: int = 0
    """For a-b+c: seed of the images around the result."""
    classes: tuple[int, ...] = ()
    """One class for all latents; by default each latent keeps its own."""
    space: Literal["z", "w"] = "z"
    """The latents: z, or w of a style-based generator, where a mean or a difference is usually a picture."""

    def __post_init__(self) -> None:
        super().__post_init__()
        expected = 3 if self.operation == "a-b+c" else 2
        if len(self.points) != expected:
            raise ConfigError(
                f"{self.operation} needs {expected} latents, and {len(self.points)} are given: give {expected} points."
            )
        self.check_one_class("arithmetic uses one")

    def cost(self, prior: Prior) -> int:
        return 12 + sum(len(point.parts) for point in self.points)

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """First, second, result. For a - b + c two grids: the exemplars with their averages, and the result."""
        import torch

        from ganache.core.rendering import render
        from ganache.functional import latents
        from ganache.lab.figure import Figure, ImageGrid
        from ganache.lab.latent_source import LatentSource

        operations: dict[str, Callable[..., Tensor]] = {
            "a+b": latents.add,
            "abs(a-b)": latents.abs_difference,
            "a*b": latents.product,
            "a-b+c": latents.analogy,
        }
        source = LatentSource(model.prior, self.mean, self.std, *self.classes)
        operands = [source.from_point(point) for point in self.points]
        formula, name = NAMES[self.operation]
        if self.operation == "mix":
            blend = latents.slerp if self.space == "z" else latents.lerp  # w has no typical norm
            result = latents.blend_latents(model.prior, blend)(operands[0], operands[1], self.weight)
        else:
            result = latents.on_noise(model.prior, operations[self.operation], *operands)
        labels = tuple(f"{letter}: {point}" for letter, point in zip("abc", self.points, strict=False))
        if len(operands) == 3:
            title = f"{formula} of averaged latents: on the left the exemplars, on the right the result."
            return Figure(title, (self.analogy(model, operands, result, labels),))
        pictures = render(model.generator, torch.cat([*operands, result]))
        grid = ImageGrid(pictures, 3, (*labels, formula), (), model.name, colour_by="columns")
        weight = f" (weight {self.weight:g})" if self.operation == "mix" else ""
        return Figure(f"Two latents and {name}, {formula}{weight}.", ((grid,),))

    def analogy(
        self, model: Model, operands: list[Tensor], result: Tensor, labels: tuple[str, ...]
    ) -> tuple[ImageGrid, ImageGrid]:
        """Return two grids (Radford et al. 2016, figure 7): exemplars above averages; the result and 8 neighbours."""
        import numpy as np
        import torch

        from ganache.core.rendering import render
        from ganache.functional import latents
        from ganache.lab.figure import ImageGrid, blank
        from ganache.lab.latent_source import LatentSource

        source = LatentSource(model.prior, self.mean, self.std, *self.classes)
        exemplars = [source.exemplars(point) for point in self.points]
        seeds = range(self.seed, self.seed + 8)
        near = latents.on_noise(model.prior, lambda noise: latents.jitter(noise, seeds, self.jitter), result)
        z = torch.cat([*operands, *exemplars, near[:4], result, near[4:]])
        averages, rest, nine = np.split(render(model.generator, z), [3, len(z) - 9])
        most, columns = max(map(len, exemplars)), []
        for mean, latents_of_operand in zip(averages, exemplars, strict=True):
            own, rest = np.split(rest, [len(latents_of_operand)])
            columns.append(np.concatenate([own, blank(own, most - len(own)), mean[None]]))
        pictures = np.stack(columns, axis=1).reshape(-1, *nine.shape[1:])
        row_labels = (*[f"exemplar {k + 1}" for k in range(most)], "their average")
        heading = f"centre: a - b + c; others: up to {self.jitter:g} away"
        return (
            ImageGrid(pictures, 3, labels, row_labels, model.name, colour_by="columns"),
            ImageGrid(nine, 3, heading=heading),
        )
