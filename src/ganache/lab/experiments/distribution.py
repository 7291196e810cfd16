"""`ganache distribution`: a map of the images of latents with several means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ganache.errors import ConfigError
from ganache.lab.experiment import Experiment, Inputs, PageView

if TYPE_CHECKING:
    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure
    from ganache.types import Prior


@dataclass(frozen=True)
class Distribution(Experiment):
    """Plot images of latents with several means as points, by their first two principal components."""

    page = PageView(
        "Map",
        "Where the pictures of several means lie in the plane of their first two principal components.",
        {"n": 40},
        ("seed", "classes"),
    )

    means: tuple[float, ...] = (-0.6, -0.3, 0.0, 0.3, 0.6)
    """Means of the latents, with the same seeds for each."""
    std: float = 0.4
    """Scale of the latents."""
    n: int = 100
    """Number of latents per mean."""
    seed: int = 0
    """The first seed."""
    classes: tuple[int, ...] = ()
    """Classes, used in turn; by default the seeds choose."""
    of: Literal["pictures", "latents"] = "pictures"
    """What the plot shows: principal components of the pixels of the pictures, or of the latents."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_not_empty("means")
        if len(self.means) * self.n < 3:
            raise ConfigError("A plane needs at least 3 pictures: give more means, or a larger n.")

    def cost(self, prior: Prior) -> int:
        return self.n * len(self.means)

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """A plane with one point per image, coloured by mean."""
        import numpy as np
        import torch

        from ganache.core.rendering import as_pictures, generate
        from ganache.functional import latents
        from ganache.lab.figure import Figure, ScatterPlot
        from ganache.lab.latent_source import sample_latents

        samples = [sample_latents(model.prior, self.n, mean, self.std, self.seed, self.classes) for mean in self.means]
        z = torch.cat(samples)
        x = generate(model.generator, z)
        group = np.repeat(np.arange(len(self.means)), self.n)
        groups = tuple(f"mean {mean:g}" for mean in self.means)
        title = f"{self.n} {self.of} per mean (std {self.std:g})"
        if x.ndim == 2 and self.of == "pictures":
            plot = ScatterPlot(x.double().numpy(), group, groups, ("x", "y"), None, model.name)
            return Figure(f"{title}.", ((plot,),))
        rows = (x.flatten(1) if self.of == "pictures" else z[:, : model.prior.noise]).double()
        if rows.shape[1] < 2:
            raise ConfigError(
                f"The {self.of} of {model.name} are single numbers, and a plane needs two: use --of "
                f"{'latents' if self.of == 'pictures' else 'pictures'}."
            )
        centre, directions = latents.principal_components(rows, 2)
        xy = (rows - centre) @ directions.T
        shares = (xy.square().sum(dim=0) / (rows - centre).square().sum().clamp_min(1e-30)).tolist()
        axes = (
            f"first component, {shares[0]:.0%} of the variance",
            f"second component, {shares[1]:.0%} of the variance",
        )
        pictures = None if x.ndim == 2 else as_pictures(x)
        title += f", in the plane of the first two principal components of all {self.of}."
        return Figure(title, ((ScatterPlot(xy.numpy(), group, groups, axes, pictures, model.name),),))
