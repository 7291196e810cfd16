"""`ganache truncation`: the same seeds at several scales of the latents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganache.lab.experiment import MAX_COLUMNS, Experiment, Inputs, PageView

if TYPE_CHECKING:
    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure
    from ganache.types import Prior


@dataclass(frozen=True)
class Truncation(Experiment):
    """Show the same seeds at several scales of the latents: a small scale gives typical images that look alike, a large
    one unusual images."""

    page = PageView(
        "Truncation",
        "The same seeds at several standard deviations, from typical to unusual pictures.",
        follows=("seed", "mean", "classes"),
    )

    stds: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2)
    """One row per scale of the latents."""
    n: int = 8
    """Number of seeds, one per column."""
    seed: int = 0
    """The first seed."""
    mean: float = 0.0
    """Mean of the latents."""
    classes: tuple[int, ...] = ()
    """Classes of the columns, used in turn; by default the seeds choose."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_not_empty("stds")
        self.check_length("columns", self.n, MAX_COLUMNS)

    def cost(self, prior: Prior) -> int:
        return self.n * len(self.stds)

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """Rows: standard deviations. Columns: seeds."""
        import torch

        from ganache.core.rendering import render
        from ganache.lab.figure import Figure, ImageGrid
        from ganache.lab.latent_source import sample_latents

        rows = [sample_latents(model.prior, self.n, self.mean, std, self.seed, self.classes) for std in self.stds]
        pictures = render(model.generator, torch.cat(rows))
        column_labels = tuple(f"seed {seed}" for seed in range(self.seed, self.seed + self.n))
        row_labels = tuple(f"std {std:g}" for std in self.stds)
        title = f"The same latents, from typical (small std) to unusual (large std), around mean {self.mean:g}."
        return Figure(title, ((ImageGrid(pictures, self.n, column_labels, row_labels, model.name),),))
