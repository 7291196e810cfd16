"""`ganache average`: the average image of each mean of the latents."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from ganache.lab.experiment import Experiment, Inputs, PageView

if TYPE_CHECKING:
    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure
    from ganache.types import Prior


@dataclass(frozen=True)
class Average(Experiment):
    """Average n latents per mean in two ways: the image of the mean latent, and the mean of the n images."""

    page = PageView("Averages", "The average picture of each mean of the latents.", {"n": 16}, ("std", "classes"))

    means: tuple[float, ...] = (-1.0, -0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8)
    """Means of the latents, with the same seeds for each."""
    std: float = 1.0
    """Scale of the latents."""
    n: int = 64
    """Number of latents per mean."""
    seed: int = 0
    """The first seed."""
    classes: tuple[int, ...] = ()
    """One column per mean and class; by default the seeds choose."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_not_empty("means")

    def cost(self, prior: Prior) -> int:
        return (self.n + 1) * len(self.means) * max(1, len(self.classes))

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """Columns: means, for each of the classes. Rows: the image of the mean latent, the mean of the images."""
        import torch

        from ganache.core.rendering import as_pictures, generate
        from ganache.functional import latents
        from ganache.lab.captions import join
        from ganache.lab.figure import Figure, ImageGrid
        from ganache.lab.latent_source import sample_latents

        columns = list(product(self.means, self.classes or (None,)))
        mean_latents, mean_images = [], []
        for mean, category in columns:
            classes = () if category is None else (category,)
            z = sample_latents(model.prior, self.n, mean, self.std, self.seed, classes)
            mean_latents.append(latents.on_noise(model.prior, latents.average, z))
            mean_images.append(generate(model.generator, z).mean(dim=0, keepdim=True))
        pictures = as_pictures(torch.cat([generate(model.generator, torch.cat(mean_latents)), *mean_images]))
        column_labels = tuple(join("" if each is None else f"class {each}", f"mean {mean:g}") for mean, each in columns)
        row_labels = ("picture of the mean latent", "mean of the pictures")
        if pictures.ndim == 2:
            row_labels = ("point of the mean latent", "mean of the points")
        title = f"The average of {self.n} latents per mean (std {self.std:g}), taken before and after the generator."
        grid = ImageGrid(pictures, len(columns), column_labels, row_labels, model.name, connected=True)
        return Figure(title, ((grid,),))
