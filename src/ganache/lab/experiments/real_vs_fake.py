"""`ganache real-vs-fake`: generated images below real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganache.errors import ConfigError
from ganache.lab.experiment import MAX_COLUMNS, Experiment, Inputs, PageView

if TYPE_CHECKING:
    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure
    from ganache.types import Prior


@dataclass(frozen=True)
class RealVsFake(Experiment):
    """Show a row of real images above a row of generated ones for each model."""

    needs = "real images"
    takes_long = True
    page = PageView(
        "Real and generated", "Real pictures above generated ones.", follows=("mean", "std", "seed", "classes")
    )

    n: int = 8
    """Number of images per row."""
    mean: float = 0.0
    """Mean of the latents."""
    std: float = 1.0
    """Scale of the latents."""
    seed: int = 0
    """The first seed of the latents; it also chooses the real images."""
    classes: tuple[int, ...] = ()
    """Classes of the generated images, used in turn; by default the seeds choose."""
    data: str = ""
    """Source of the real images; by default that of the run."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_length("columns", self.n, MAX_COLUMNS)

    def cost(self, prior: Prior) -> int:
        return self.n

    def figure_of_models(self, models: Sequence[Model], inputs: Inputs) -> Figure:
        """The first row is real; then one row per model."""
        import numpy as np
        import torch

        from ganache.core.rendering import render
        from ganache.lab.figure import Figure, ImageGrid
        from ganache.lab.latent_source import sample_latents

        n, real = self.n, inputs.images
        assert real is not None
        if n > len(real):
            raise ConfigError(f"{n} real pictures are asked for, and there are {len(real)}: ask for fewer.")
        chosen = torch.randperm(len(real), generator=torch.Generator().manual_seed(self.seed))[:n]
        rows = [np.asarray(real[np.sort(chosen.numpy())])]
        for model in models:
            z = sample_latents(model.prior, n, self.mean, self.std, self.seed, self.classes)
            rows.append(render(model.generator, z))
            if rows[-1].shape != rows[0].shape:
                own, given = ("x".join(map(str, row.shape[1:])) for row in (rows[-1], rows[0]))
                raise ConfigError(
                    f"The pictures of {model.name} are {own}, and the real ones are {given}: leave it out."
                )
        title = f"Real and generated pictures; latents with mean {self.mean:g} and std {self.std:g}."
        row_labels = ("real", *(model.name or "generated" for model in models))
        return Figure(title, ((ImageGrid(np.concatenate(rows), n, row_labels=row_labels),),))
