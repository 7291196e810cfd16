"""`ganache truncation`: the same seeds at several scales of the latents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ganache.errors import ConfigError
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
    space: Literal["z", "w"] = "z"
    """The latents: z, or w of a style-based generator, where std is psi, how far they are from the mean."""
    layers: int = 0
    """With --space w: number of layers that move towards the mean, from the coarsest on; 0 for all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_not_empty("stds")
        self.check_length("columns", self.n, MAX_COLUMNS)
        if self.space == "z" and self.layers:
            raise ConfigError(f"layers is {self.layers}, and only w has layers: add --space w.")

    def cost(self, prior: Prior) -> int:
        return self.n * len(self.stds)

    def view(self, model: Model) -> Model:
        from ganache.lab.styles import check_scale, in_styles

        if self.space == "z":
            check_scale(model, *self.stds)
            return model
        count = model.generator.style_layers
        if count and not 0 <= self.layers <= count:
            raise ConfigError(f"layers is {self.layers}, and this generator has {count} layers: use 0 to {count}.")
        return in_styles(model, "truncation in W", self.layers or None)

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """Rows: standard deviations. Columns: seeds."""
        import torch

        from ganache.core.rendering import render
        from ganache.lab.figure import Figure, ImageGrid
        from ganache.lab.latent_source import sample_latents

        rows = [sample_latents(model.prior, self.n, self.mean, std, self.seed, self.classes) for std in self.stds]
        pictures = render(model.generator, torch.cat(rows))
        column_labels = tuple(f"seed {seed}" for seed in range(self.seed, self.seed + self.n))
        row_labels = tuple(f"{'psi' if self.space == 'w' else 'std'} {std:g}" for std in self.stds)
        title = f"The same latents, from typical (small std) to unusual (large std), around mean {self.mean:g}."
        if self.space == "w":
            moved = f"of the first {self.layers} layers " if self.layers else ""
            title = f"The same latents: w {moved}is psi times as far from the mean of all w."
        return Figure(title, ((ImageGrid(pictures, self.n, column_labels, row_labels, model.name),),))
