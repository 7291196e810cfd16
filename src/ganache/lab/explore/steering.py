"""Directions of one generator, and latents moved along them.

One function a kind of request: (request, model) -> the sentence above the picture, its parts, and what was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor

from ganache.core.rendering import Model, render
from ganache.errors import ConfigError
from ganache.functional.directions import pca, sefa, separating_direction, unit_rows
from ganache.lab.explore.inside import first_activations, first_weight
from ganache.lab.explore.locating import Place
from ganache.lab.explore.samples import caption
from ganache.lab.figure import ImageGrid
from ganache.lab.requests import Along, Directions, Point, Sample
from ganache.lab.requests.points import OWN

TITLES = {
    "sefa": "The directions of the latent that the generator's first weight stretches most (SeFa).",
    "pca": "The directions of the latent that go along with most of the first layer's variance (GANSpace).",
    "examples": "The direction from latents without a feature to those with it.",
}


def found(request: Directions, model: Model) -> tuple[Tensor, list[str]]:
    """(unit directions in the noise [K, noise], how captions call them)."""
    noise = model.prior.noise
    if request.how == "examples":
        place = Place(model.prior, request.mean, request.std, *request.classes)
        having, lacking = (
            torch.cat([place.exemplars(point) for point in points])[:, :noise]
            for points in (request.having, request.lacking)
        )
        return separating_direction(having, lacking, request.ridge), [f"from {len(lacking)} without to {len(having)} with"]
    if request.how == "sefa":
        weight = first_weight(model.generator)[:, :noise]
        directions, stretches = sefa(weight, request.top)
        return directions, [f"sefa {k}, stretched by {each:.2g}" for k, each in enumerate(stretches.tolist(), 1)]
    z = Sample(request.n, request.mean, request.std, request.seed, request.classes).latents(model.prior)
    h = first_activations(model.generator, z)
    directions, shares = pca(z[:, :noise], h, min(request.top, noise, *h.shape))
    return directions, [f"pca {k}, {each:.1%} of the variance" for k, each in enumerate(shares.tolist(), 1)]


def directions(request: Directions, model: Model) -> tuple[str, list[ImageGrid], tuple[tuple[float, ...], ...]]:
    """Rows: directions, for each of the points; columns: steps."""
    rows, names = found(request, model)
    seeds = range(request.seed, request.seed + (5 if request.how == "examples" else 1))
    points = request.points or tuple(Point((seed,)) for seed in seeds)
    place = Place(model.prior, request.mean, request.std, *request.classes)
    whole = torch.zeros(len(rows), model.prior.z_dim)
    whole[:, : model.prior.noise] = rows
    return (
        f"{TITLES[request.how]} From left to right a latent is moved along it, by the number above.",
        [moved(rows, names, points, request.steps, place, model)],
        tuple(tuple(row) for row in whole.tolist()),
    )


def along(request: Along, model: Model) -> tuple[str, list[ImageGrid]]:
    """Rows: directions, for each of the points; columns: steps. Raises ConfigError for a direction of length 0."""
    if not request.directions:
        raise ConfigError("No direction is named: keep some with  ganache directions RUN --keep NAME")
    place = Place(model.prior, request.mean, request.std, *request.classes)
    rows = named(request.directions, place, model)
    title = "From left to right a latent is moved along the direction beside it, by the number above."
    names = [str(each) for each in request.directions]
    return title, [moved(rows, names, request.points, request.steps, place, model)]


def named(points: Sequence[Point], place: Place, model: Model) -> Tensor:
    """Unit directions in the noise [K, noise]: where latents point to, or the generator's own sefa1, pca1, ...

    Raises ConfigError for a direction of length 0.
    """
    rows = torch.cat([own(point, model) if is_own(point) else place.of_point(point) for point in points])
    rows = rows[:, : model.prior.noise]
    if not (rows.norm(dim=1) > 0).all():
        raise ConfigError("A direction is 0 in each dimension of the noise and leads nowhere: name another.")
    return unit_rows(rows)


def is_own(point: Point) -> bool:
    """Whether it is one of the directions that a generator has by itself."""
    name = point.parts[0]
    return len(point.parts) == 1 and isinstance(name, str) and OWN.fullmatch(name) is not None


def own(point: Point, model: Model) -> Tensor:
    """The generator's direction sefa1, pca1, ... in the noise [1, noise]. Raises ConfigError where it has fewer."""
    how, number = OWN.fullmatch(str(point)).groups()  # type: ignore[union-attr]
    rows, _ = found(Directions(how=how, top=int(number)), model)  # type: ignore[arg-type]
    if len(rows) < int(number):
        raise ConfigError(f"{model.name} has {len(rows)} directions by {how}, and {point} is none of them.")
    return rows[-1:]


def moved(
    rows: Tensor, names: Sequence[str], points: Sequence[Point], steps: Sequence[float], place: Place, model: Model
) -> ImageGrid:
    """Latents moved along directions [K, noise]; category and codes stay as they are."""
    z = torch.cat([place.of_point(point) for point in points])  # [P, z_dim]
    each = z.repeat(len(rows), 1).repeat_interleave(len(steps), dim=0)  # direction, point, step
    lengths = torch.tensor(steps).to(z).repeat(len(rows) * len(points))[:, None]
    each[:, : model.prior.noise] += lengths * rows.to(z).repeat_interleave(len(points) * len(steps), dim=0)
    beside = tuple(caption(name, str(point) if len(points) > 1 else "") for name, point in product(names, points))
    over = tuple(f"{step:+g}" if step else "0" for step in steps)
    return ImageGrid(render(model.generator, each), len(steps), over, beside, model.name, joined=True)
