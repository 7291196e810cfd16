"""Samples beside the training pictures that are nearest to them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import prod

import numpy as np
from PIL import Image

from ganache.core.images import Pictures
from ganache.core.rendering import Model
from ganache.data import Dataset
from ganache.errors import GanacheError
from ganache.figures.figure import enlarged
from ganache.figures.page import of_picture, table
from ganache.lab.explore.nearing import neighbours
from ganache.lab.figure import ImageGrid
from ganache.lab.requests import Neighbours
from ganache.output.report.chips import heading
from ganache.output.report.reading import RunSummary
from ganache.runs import checkpoint
from ganache.training import build

REQUEST = Neighbours(n=6, k=5)

SEARCHED = 20_000
"""Training pictures, at most, among which the nearest are looked for; fewer of large ones."""

VALUES = 2**28
"""Numbers of all these together."""

SIDE = 64
"""Pixels; pictures are enlarged to about this."""


def nearest(runs: Sequence[RunSummary], source: str | None, progress: bool) -> str:
    """Of each run some samples of its best checkpoint, with their neighbours; or why there are none, and how to get
    them."""
    return "\n".join(of_run(place, run, source, progress) for place, run in enumerate(runs))


def of_run(place: int, run: RunSummary, source: str | None, progress: bool) -> str:
    above = heading(place, run)
    if run.best is None:
        return f"{above}<p>No checkpoint has been saved yet.</p>"
    generator, config, header = checkpoint.load_generator(run.best)
    if len(generator.image_shape) == 1:
        return f"{above}<p>It makes points, and points have no pictures.</p>"
    model = Model(generator, build.prior(config), f"{run.name}, step {header['step']:,}")
    try:
        data = build.dataset_again(config, source, progress=progress)
        said, sheets = neighbours(REQUEST, model, searched(data))
    except GanacheError as error:
        if source is not None:
            raise
        how = f"<code>ganache report {escape(str(run.folder))} --data DATA</code>"
        return f"{above}<p>The training pictures were not found: {escape(str(error))}</p><p>Name them: {how}.</p>"
    said += " One far below the usual distance would be a copy."
    return f'{above}<p>{escape(said)}</p>\n<div class="sheets">{"".join(map(sheet, sheets))}</div>'


def searched(data: Dataset) -> Pictures:
    """Training pictures, evenly chosen where there are too many."""
    most = min(SEARCHED, VALUES // prod(data.image_shape))
    there = data.training
    if len(there) > most:
        there = there[np.linspace(0, len(there) - 1, most).round().astype(int)]
    return data.images if len(there) == len(data) else data.at(there)


def sheet(part: ImageGrid) -> str:
    """Rows of pictures: a sample, and its neighbours with their distances."""
    rows = []
    for start in range(0, len(part.pictures), part.columns):
        words = part.beside[start // part.columns]
        cells = [cell(part, start + column, words) for column in range(part.columns)]
        rows.append([escape(words), *cells])
    return f'<div><p class="soft">{escape(part.heading)}</p>{table(["", *map(escape, part.over)], rows, "near")}</div>'


def cell(part: ImageGrid, place: int, row: str) -> str:
    """One picture with the words below it."""
    pixels = part.pictures[place]
    picture: Image.Image = enlarged(pixels, max(1, SIDE // max(pixels.shape[:2])))
    alt = f"{row}, {part.over[place % part.columns]}"
    return f'<img alt="{escape(alt)}" src="{of_picture(picture)}">{escape(part.below[place])}'
