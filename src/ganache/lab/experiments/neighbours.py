"""`ganache neighbours`: samples next to the real images that are nearest to them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, ClassVar, Literal

from ganache.errors import ConfigError
from ganache.lab.experiment import Experiment, Inputs, Limits, PageView
from ganache.lab.points import Point

if TYPE_CHECKING:
    from torch import Tensor

    from ganache.core.images import Pictures
    from ganache.core.rendering import Model
    from ganache.evaluation.features.base import Features as Extractor
    from ganache.lab.figure import Figure, ImageGrid
    from ganache.lab.nearest_neighbours import Features
    from ganache.types import Prior


@dataclass(frozen=True)
class Neighbours(Experiment):
    """Show the real images that are nearest to samples, to see whether the generator copies its training data."""

    needs = "real images"
    takes_long = True
    limits: ClassVar[Limits] = {"k": (1, 100)}
    page = PageView(
        "Nearest real",
        "The real pictures that are nearest to this one: does the generator copy its training data?",
        {"k": 6},
        ("points", "classes"),
        one_model=True,
    )

    n: int = 6
    """Number of samples, one per row."""
    k: int = 5
    """Number of neighbours per sample, the nearest first."""
    of: Literal["both", "pixels", "features"] = "both"
    """What is compared: pixels, features (what EfficientNet-Lite0 sees, or a random network where it sees nothing), or
    one grid for each."""
    mean: float = 0.0
    """Mean of the latents."""
    std: float = 1.0
    """Scale of the latents."""
    seed: int = 0
    """The first seed."""
    classes: tuple[int, ...] = ()
    """Classes of the samples, used in turn; by default the seeds choose."""
    data: str = ""
    """Source of the real images; by default that of the run."""
    points: tuple[Point, ...] = ()
    """Latents to use instead of n seeds: seeds, names, or averages of several (3,17,smiling)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_length("rows", max(self.n, len(self.points)), 100)

    def cost(self, prior: Prior) -> int:
        return (len(self.points) or self.n) * (1 + self.k)

    def latents(self, model: Model) -> Tensor:
        """Return z [N, z_dim]: the latents of the seeds, or of the points."""
        import torch

        from ganache.lab.latent_source import LatentSource, sample_latents

        if not self.points:
            return sample_latents(model.prior, self.n, self.mean, self.std, self.seed, self.classes)
        categories = cycle(self.classes or (None,))
        sources = (LatentSource(model.prior, self.mean, self.std, category) for category in categories)
        return torch.cat([source.from_point(point) for point, source in zip(self.points, sources, strict=False)])

    def check_real(self, model: Model, real: Pictures) -> None:
        """Raise ConfigError if the real images have another shape, are too few, or too small for features."""
        from ganache.evaluation.features.base import MIN_SIDE
        from ganache.evaluation.features.extract import default_features
        from ganache.lab.nearest_neighbours import stored_shape

        expected = stored_shape(model)
        if real.shape[1:] != expected:
            own, given = ("x".join(map(str, shape)) for shape in (expected, real.shape[1:]))
            raise ConfigError(
                f"The pictures of {model.name} are {own}, and the real ones are {given}: name other data."
            )
        if self.k >= len(real):
            raise ConfigError(f"{self.k} neighbours are asked for, of {len(real)} real pictures: ask for fewer.")
        if self.of == "features" and default_features(model.generator.image_shape) == "pixels":
            raise ConfigError(f"Points, and pictures with a side below {MIN_SIDE}, have no features: use --of pixels.")

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """Rows: samples, each followed by its neighbours. One grid for pixels and one for features."""
        from ganache.core.rendering import render
        from ganache.evaluation.features.extract import suitable_features
        from ganache.lab.figure import Figure
        from ganache.lab.nearest_neighbours import pixel_features

        real = inputs.images
        assert real is not None
        self.check_real(model, real)
        points = real.ndim == 2
        fake = render(model.generator, self.latents(model))
        grids = []
        if self.of != "features":
            grids.append(self.grid(model, fake, real, pixel_features, "in pixels" if not points else ""))
        extractor = None if self.of == "pixels" else suitable_features(model.generator.image_shape)
        if extractor is not None:
            grids.append(self.grid_in_features(model, fake, inputs, extractor))
        what = "points" if points else "pictures"
        return Figure(f"Samples and the nearest of {len(real):,} real {what}, with their distances.", (tuple(grids),))

    def grid_in_features(self, model: Model, fake: Pictures, inputs: Inputs, extractor: Extractor) -> ImageGrid:
        """Return the samples and their neighbours in features, which are kept in the cache for a data set."""
        import numpy as np

        from ganache.evaluation.features.extract import dataset_features, picture_features
        from ganache.lab.nearest_neighbours import searched

        real, known, space = inputs.images, inputs.features, f"in {extractor.name} features"
        assert real is not None
        if known is None and (part := searched(len(real))).step > 1:
            real, space = real[part], f"{space} of {len(real[part]):,} of them"
        if known is None and inputs.data is not None:
            positions = np.arange(len(inputs.data))[searched(len(inputs.data))]
            known = dataset_features(inputs.data, positions, extractor, None, inputs.progress)
        return self.grid(model, fake, real, lambda part: picture_features(part, extractor), space, known)

    def grid(
        self,
        model: Model,
        fake: Pictures,
        real: Pictures,
        features: Features,
        space: str,
        known: Tensor | None = None,
    ) -> ImageGrid:
        """Return the samples and their neighbours by one kind of features, `known` for the real images or not."""
        import numpy as np

        from ganache.lab.captions import join
        from ganache.lab.figure import ImageGrid
        from ganache.lab.nearest_neighbours import nearest

        distances, indices, usual = nearest(fake, real, features, self.k, self.seed, known)
        rows, captions = [], []
        for sample, near, far in zip(fake, indices.numpy(), distances.tolist(), strict=True):
            rows.append(np.concatenate([sample[None], np.stack([real[index] for index in near])]))
            captions += ["", *(f"{each:.3f}" for each in far)]
        column_labels = ("sample", "nearest", *(f"no. {k}" for k in range(2, self.k + 1)))
        row_labels = tuple(map(str, self.points)) or tuple(f"seed {self.seed + row}" for row in range(len(fake)))
        heading = join(model.name, space, f"usual distance of a real one to its nearest other: {usual:.3g}")
        pictures = np.concatenate(rows)
        return ImageGrid(pictures, self.k + 1, column_labels, row_labels, heading, captions=tuple(captions))
