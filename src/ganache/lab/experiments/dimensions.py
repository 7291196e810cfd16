"""`ganache dimensions`: the dimensions of the latent, ranked by their effect on the images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ganache.lab.experiment import MAX_COLUMNS, Experiment, Inputs, Limits

if TYPE_CHECKING:
    from ganache.core.images import Pictures
    from ganache.core.rendering import Model
    from ganache.lab.dimension_effects import Effect
    from ganache.lab.figure import Figure, ImageGrid


@dataclass(frozen=True)
class Dimensions(Experiment):
    """Rank the dimensions of the latent by how much each one changes the image, and show where it changes."""

    takes_long = True
    limits: ClassVar[Limits] = {"reach": (0, 1e6)}

    top: int = 10
    """Number of dimensions to show, the largest effect first."""
    by: Literal["pixels", "structure"] = "pixels"
    """The measure: pixels, the mean change of a pixel; or structure, 1 - SSIM, which depends on shapes more than on
    brightness."""
    reach: float = 2.0
    """Each dimension moves from this many stds below the mean to as many above it; a code always moves from -1 to 1."""
    n: int = 64
    """Number of latents over which effects are averaged."""
    mean: float = 0.0
    """Mean of the latents."""
    std: float = 1.0
    """Scale of the latents."""
    seed: int = 0
    """The first seed."""
    classes: tuple[int, ...] = ()
    """Classes, used in turn; by default the seeds choose."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_length("latents", self.n, MAX_COLUMNS)

    def effects(self, model: Model, progress: bool = False) -> list[Effect]:
        """Return the effect of every dimension, the largest first."""
        from ganache.lab.dimension_effects import measure_effects

        return measure_effects(
            model,
            n=self.n,
            reach=self.reach,
            by=self.by,
            mean=self.mean,
            std=self.std,
            seed=self.seed,
            classes=self.classes,
            progress=progress,
        )

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """One row per dimension: latents with a low and a high value, and where the images change."""
        from ganache.core.rendering import as_pictures
        from ganache.lab.figure import Figure

        effects = self.effects(model, inputs.progress)
        best = effects[: self.top]
        ends = [as_pictures(each.examples.flatten(0, 1)) for each in best]  # low and high alternate
        shown = len(ends[0]) // 2
        if ends[0].ndim == 2:
            title = (
                f"The dimensions that move the points most, of {len(effects)}, with the mean change of a coordinate "
                f"over {self.n} latents; each goes from low to high in {shown} of them."
            )
            return Figure(title, ((grid_of_points(best, ends, model.name),),))
        ranked = "the mean change of a pixel" if self.by == "pixels" else "the change of structure (1 - SSIM)"
        title = (
            f"The dimensions that change the pictures most, of {len(effects)}, ranked by {ranked} over "
            f"{self.n} latents; on the right where they do: black for no change, white for the row's maximum."
        )
        labels = [f"seed {self.seed + k}, {end}" for k in range(shown) for end in ("low", "high")]
        return Figure(title, ((grid_of_pictures(best, ends, labels, model.name),),))


def grid_of_points(best: list[Effect], ends: list[Pictures], name: str) -> ImageGrid:
    """Return one row of line segments per dimension, from the low to the high value."""
    import numpy as np

    from ganache.lab.figure import ImageGrid

    rows = [np.insert(each, range(2, len(each) + 1, 2), np.nan, axis=0) for each in ends]  # NaN separates segments
    labels = tuple(f"{rank}. {each.sweep.name}: {each.pixels:.2g}" for rank, each in enumerate(best, 1))
    return ImageGrid(np.concatenate(rows), 3 * len(ends[0]) // 2, (), labels, name, connected=True)


def grid_of_pictures(best: list[Effect], ends: list[Pictures], labels: list[str], name: str) -> ImageGrid:
    """Return one row of images per dimension, followed by its map of change."""
    import numpy as np

    from ganache.lab.dimension_effects import heat_maps
    from ganache.lab.figure import ImageGrid

    maps = heat_maps(best).numpy()
    coloured = [np.broadcast_to(each, (*each.shape[:-1], 3)) for each in ends]
    rows = [np.concatenate([each, where[None]]) for each, where in zip(coloured, maps, strict=True)]
    row_labels = tuple(
        f"{rank}. {each.sweep.name}: pixels {each.pixels:.1%}, structure {each.structure:.2f}"
        for rank, each in enumerate(best, 1)
    )
    return ImageGrid(np.concatenate(rows), len(labels) + 1, (*labels, "where"), row_labels, name)
