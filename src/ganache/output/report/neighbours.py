"""Samples of each run beside the training pictures that are nearest to them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from PIL import Image
from torch import Tensor

from ganache.core.images import evenly_spaced
from ganache.core.rendering import Model
from ganache.data import Dataset
from ganache.errors import GanacheError
from ganache.evaluation.features.base import Positions
from ganache.evaluation.features.extract import dataset_features, suitable_features
from ganache.figures.figure import enlarged
from ganache.figures.page import image_url
from ganache.lab.experiment import Inputs
from ganache.lab.experiments import Neighbours
from ganache.lab.figure import ImageGrid
from ganache.lab.nearest_neighbours import MAX_SEARCHED
from ganache.output.report.summary import RunSummary
from ganache.runs import checkpoint
from ganache.runs.data import is_training_data, run_data
from ganache.training import build

REQUEST = Neighbours(n=6, k=5)

MAX_VALUES = 2**28
"""Numbers in all pictures that are searched; large pictures are fewer."""

SIDE = 64
"""Pixels; small pictures are enlarged to about this side."""


@dataclass(frozen=True)
class Cell:
    """One picture of a grid."""

    url: str
    alt: str
    caption: str


@dataclass(frozen=True)
class Grid:
    """A sample per row, followed by its neighbours."""

    heading: str
    columns: list[str]
    rows: list[tuple[str, list[Cell]]]
    """(row heading, its pictures) per sample."""


@dataclass(frozen=True)
class RunNeighbours:
    """What the section shows of one run: grids, or the reason that there are none."""

    run: RunSummary
    text: str
    grids: list[Grid]
    missing_data: bool = False
    """Whether the reason is that the training pictures were not found."""


def find_neighbours(run: RunSummary, source: str | None, progress: bool) -> RunNeighbours:
    """Find the training pictures nearest to samples of a run's best checkpoint.

    `source`: where the training pictures are; by default where the run found them. Raises GanacheError if they cannot
    be read from a source that was given.
    """
    if run.best is None:
        return RunNeighbours(run, "No checkpoint has been saved yet.", [])
    generator, config, header = checkpoint.load_generator(run.best)
    if len(generator.image_shape) == 1:
        return RunNeighbours(run, "This run generates points: its samples above lie among the real ones.", [])
    model = Model(generator, build.prior(config), f"{run.name}, step {header['step']:,}")
    try:
        data = run_data(run.best, source, progress=progress)
        if not is_training_data(header, data):
            text = f"{source} holds other pictures than those that this run was trained on."
            return RunNeighbours(run, text, [], missing_data=True)
        searched = searched_positions(data)
        real = data.images if len(searched) == len(data) else data.at(searched)
        figure = REQUEST.figure(model, Inputs(real, features=real_features(data, searched, progress)))
    except GanacheError as error:
        if source is not None:
            raise
        return RunNeighbours(run, f"The training pictures were not found. {error}", [], missing_data=True)
    text = f"{figure.title} A distance far below the usual one would be a copy."
    grids = [part for group in figure.groups for part in group if isinstance(part, ImageGrid)]
    return RunNeighbours(run, text, [to_grid(grid) for grid in grids])


def real_features(data: Dataset, positions: Positions, progress: bool) -> Tensor | None:
    """Return the features of the pictures at `positions`, which are computed once for all runs and reports.

    None if the pictures are too small for features.
    """
    extractor = suitable_features(data.image_shape)
    return None if extractor is None else dataset_features(data, positions, extractor, None, progress)


def searched_positions(data: Dataset) -> Positions:
    """Return where the training pictures are, evenly thinned if there are too many."""
    most = min(MAX_SEARCHED, MAX_VALUES // prod(data.image_shape))
    indices = data.training
    return indices[evenly_spaced(len(indices), most)] if len(indices) > most else indices


def to_grid(grid: ImageGrid) -> Grid:
    """Convert a grid of the lab to what the page shows."""
    rows = []
    for start in range(0, len(grid.pictures), grid.columns):
        heading = grid.row_labels[start // grid.columns]
        rows.append((heading, [to_cell(grid, start + column, heading) for column in range(grid.columns)]))
    return Grid(grid.heading, list(grid.column_labels), rows)


def to_cell(grid: ImageGrid, index: int, row_heading: str) -> Cell:
    """Convert one picture of a grid."""
    pixels = grid.pictures[index]
    picture: Image.Image = enlarged(pixels, max(1, SIDE // max(pixels.shape[:2])))
    return Cell(image_url(picture), f"{row_heading}, {grid.column_labels[index % grid.columns]}", grid.captions[index])
