"""`ganache mixing`: some layers of one latent, the others of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ganache.lab.experiment import MAX_COLUMNS, Experiment, Inputs, Limits, PageView
from ganache.lab.points import Point

if TYPE_CHECKING:
    from ganache.core.rendering import Model
    from ganache.lab.figure import Figure
    from ganache.types import Prior


@dataclass(frozen=True)
class Mixing(Experiment):
    """Mix styles: each picture has the coarse layers of the latent of its row and the fine layers of that of its
    column. Needs a style-based generator."""

    limits: ClassVar[Limits] = {"layers": (0, MAX_COLUMNS)}
    page = PageView(
        "Mixing",
        "Shape and pose of the row's picture, colours and details of the column's.",
        follows=("classes",),
        styled=True,
    )

    rows: tuple[Point, ...] = tuple(Point((seed,)) for seed in range(5))
    """Latents of the rows: seeds, names, or averages of several (3,17,smiling)."""
    columns: tuple[Point, ...] = tuple(Point((seed,)) for seed in range(5, 12))
    """Latents of the columns."""
    layers: tuple[int, ...] = ()
    """The first and the last layer that come from the column; by default the finer half."""
    psi: float = 1.0
    """How far w is from the mean of all w: 1 as drawn, less for more typical pictures."""
    classes: tuple[int, ...] = ()
    """One class for all latents; by default each latent keeps its own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_not_empty("rows", "columns")
        self.check_length("columns", len(self.columns), MAX_COLUMNS)
        self.check_one_class("all latents are drawn alike")

    def cost(self, prior: Prior) -> int:
        return (len(self.rows) + 1) * (len(self.columns) + 1)

    def figure(self, model: Model, inputs: Inputs) -> Figure:
        """The first column shows the latents of the rows, the first row those of the columns."""
        import numpy as np
        import torch

        from ganache.core.rendering import render
        from ganache.lab.figure import Figure, ImageGrid, blank
        from ganache.lab.latent_source import LatentSource
        from ganache.lab.styles import in_styles, layer_range

        count, model = model.generator.style_layers, in_styles(model, "mixing")
        mixed = layer_range(self.layers or (count // 2, count - 1), count)
        source = LatentSource(model.prior, 0.0, self.psi, *self.classes)
        rows, columns = (source.from_points(points) for points in (self.rows, self.columns))
        w = rows.reshape(len(rows), 1, count, -1).repeat(1, len(columns), 1, 1)
        w[:, :, mixed] = columns.reshape(len(columns), count, -1)[:, mixed]
        whole = torch.cat([columns, torch.cat([rows[:, None], w.flatten(2)], dim=1).flatten(0, 1)])
        pictures = render(model.generator, whole)
        labels = (("", *map(str, self.columns)), ("", *map(str, self.rows)))
        cells = np.concatenate([blank(pictures, 1), pictures])
        title = (
            f"Layers {mixed.start} to {mixed.stop - 1} of 0 to {count - 1} are those of the column's latent, the "
            "others those of the row's."
        )
        return Figure(title, ((ImageGrid(cells, len(columns) + 1, *labels, model.name),),))
