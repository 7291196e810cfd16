"""Samples and the real pictures nearest to them."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import cycle

import numpy as np
import torch
from torch import Tensor

from ganache.core import images
from ganache.core.images import Pictures
from ganache.core.rendering import Model, render
from ganache.errors import ConfigError
from ganache.evaluation.features.random import RandomFeatures
from ganache.lab.explore.locating import Place
from ganache.lab.explore.samples import caption
from ganache.lab.figure import ImageGrid
from ganache.lab.requests import Neighbours, Sample

CHUNK = 512
"""Real pictures at a time."""

YARDSTICK = 100
"""So many real pictures' own nearest neighbours tell what distance is usual."""

LEAST_SIDE = 8
"""Smaller pictures are compared by their pixels alone."""

Vectors = Callable[[Pictures], Tensor]


def neighbours(request: Neighbours, model: Model, real: Pictures) -> tuple[str, list[ImageGrid]]:
    """Rows: samples, and to the right of each its nearest; a sheet for pixels, and one for features."""
    points = real.ndim == 2
    if real.shape[1:] != expected(model):
        made, there = ("x".join(map(str, shape)) for shape in (expected(model), real.shape[1:]))
        raise ConfigError(f"The pictures of {model.name} are {made}, and the real ones are {there}: name other data.")
    if request.k >= len(real):
        raise ConfigError(f"{request.k} neighbours are asked for, of {len(real)} real pictures: ask for fewer.")
    small = points or min(real.shape[1:3]) < LEAST_SIDE
    if small and request.of == "features":
        raise ConfigError(f"Points, and pictures of a side below {LEAST_SIDE}, have no features: use --of pixels.")
    fake = render(model.generator, latents_of(request, model))
    sheets = []
    if request.of != "features":
        sheets.append(sheet(request, model, fake, real, as_pixels, "in pixels" if not points else ""))
    if request.of != "pixels" and not small:
        network = RandomFeatures(model.generator.image_shape)
        sheets.append(sheet(request, model, fake, real, lambda part: network(images.to_float(part)), "in features"))
    what = "points" if points else "pictures"
    return f"Samples, and the nearest of {len(real):,} real {what} with their distances.", sheets


def latents_of(request: Neighbours, model: Model) -> Tensor:
    """z [N, z_dim]: those of the seeds, or of the points in their place."""
    if not request.points:
        return Sample(request.n, request.mean, request.std, request.seed, request.classes).latents(model.prior)
    turns = cycle(request.classes or (None,))
    places = (Place(model.prior, request.mean, request.std, category) for category in turns)
    return torch.cat([place.of_point(point) for point, place in zip(request.points, places, strict=False)])


def sheet(request: Neighbours, model: Model, fake: Pictures, real: Pictures, vectors: Vectors, words: str) -> ImageGrid:
    """The samples and their neighbours by one kind of vectors."""
    distances, which, usual = nearest(fake, real, vectors, request.k, request.seed)
    rows, below = [], []
    for sample, near, far in zip(fake, which.numpy(), distances.tolist(), strict=True):
        rows.append(np.concatenate([sample[None], np.stack([real[place] for place in near])]))
        below += ["", *(f"{each:.3f}" for each in far)]
    over = ("sample", "nearest", *(f"no. {k}" for k in range(2, request.k + 1)))
    beside = tuple(map(str, request.points)) or tuple(f"seed {request.seed + row}" for row in range(len(fake)))
    heading = caption(model.name, words, f"usual between a real one and its nearest other: {usual:.3f}")
    return ImageGrid(np.concatenate(rows), request.k + 1, over, beside, heading, below=tuple(below))


def nearest(fake: Pictures, real: Pictures, vectors: Vectors, k: int, seed: int) -> tuple[Tensor, Tensor, float]:
    """(distances [N, k], positions [N, k] of the nearest real ones, the median distance of a real one to another).

    Distances are root mean square differences of the vectors' numbers.
    """
    drawn = torch.randperm(len(real), generator=torch.Generator().manual_seed(seed))[:YARDSTICK].sort().values
    asked = torch.cat([vectors(fake), vectors(np.asarray(real[drawn.numpy()]))])
    scale = math.sqrt(asked.shape[1])
    origin = asked.mean(dim=0)  # near it float32 loses least
    chunks = (vectors(np.asarray(real[start : start + CHUNK])) for start in range(0, len(real), CHUNK))
    table = torch.cat([torch.cdist(asked - origin, chunk - origin) for chunk in chunks], dim=1)
    table[len(fake) + torch.arange(len(drawn)), drawn] = torch.inf
    usual = table[len(fake) :].min(dim=1).values.median().item() / scale
    which = table[: len(fake)].topk(k, largest=False).indices
    found = torch.stack([vectors(np.stack([real[place] for place in row])) for row in which.tolist()])
    exact, order = ((found - asked[: len(fake), None]).norm(dim=2) / scale).sort(dim=1)  # a copy is at exactly 0
    return exact, which.gather(1, order), usual


def as_pixels(pictures: Pictures) -> Tensor:
    """uint8 [N, H, W, C] -> rows in [0, 1]; points as they are."""
    rows = torch.from_numpy(np.array(pictures)).flatten(1).float()
    return rows if pictures.ndim == 2 else rows / 255


def expected(model: Model) -> tuple[int, ...]:
    """The shape of the model's pictures as stored, (H, W, C) or (2,)."""
    shape = model.generator.image_shape
    return shape if len(shape) == 1 else (*shape[1:], shape[0])
