"""Latents, changed or as they are, and their pictures: what a page's sliders ask for."""

from __future__ import annotations

import torch
from torch import Tensor

from ganache.core.rendering import Model, render
from ganache.errors import ConfigError
from ganache.lab.explore.locating import Place, column
from ganache.lab.explore.steering import named
from ganache.lab.figure import ImageGrid
from ganache.lab.requests import Picture


def latents_of(request: Picture, model: Model) -> Tensor:
    """z [N, z_dim]: the points, their dimensions set, then moved along the directions.

    Raises ConfigError for a dimension or direction that the generator does not have.
    """
    prior = model.prior
    place = Place(prior, request.mean, request.std, *request.classes)
    z = torch.cat([place.of_point(point) for point in request.points])
    columns = [column(dimension, prior) for dimension in request.dimensions]
    if None in columns:
        raise ConfigError("A category has no values between: leave it out of the dimensions, and name it with classes.")
    wanted = dict(zip(columns, request.values, strict=True))
    z[:, list(wanted)] = torch.tensor(list(wanted.values()), dtype=torch.float64).to(z)
    if request.directions:
        moves = torch.tensor(request.steps).to(z) @ named(request.directions, place, model).to(z)
        z[:, : prior.noise] += moves
    return z


def picture(request: Picture, model: Model) -> tuple[str, list[ImageGrid]]:
    """The pictures in a row."""
    pictures = render(model.generator, latents_of(request, model))
    over = tuple(map(str, request.points))
    changes = [f"{name} set to {value:.3g}" for name, value in zip(request.dimensions, request.values, strict=True)]
    moves = [f"{step:+.3g} along {name}" for name, step in zip(request.directions, request.steps, strict=True)]
    changed = f", changed: {', '.join([*changes, *moves])}" if changes or moves else ""
    which = "The picture of a latent" if len(over) == 1 else f"The pictures of {len(over)} latents"
    return f"{which}{changed}.", [ImageGrid(pictures, len(over), over, (), model.name)]
