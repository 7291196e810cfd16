"""Directions in the latent space of one generator, and latents moved along them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Literal, cast

import torch
from torch import Tensor

from ganache.core.rendering import Model, render
from ganache.errors import ConfigError
from ganache.functional.directions import pca, sefa, separating_direction, unit_rows
from ganache.lab.captions import join
from ganache.lab.figure import ImageGrid
from ganache.lab.first_layer import first_activations, first_weight
from ganache.lab.latent_source import LatentSource, sample_latents
from ganache.lab.points import GENERATOR_DIRECTION, Kept, Point
from ganache.lab.styles import StylePrior, layer_range, mean_w, measured_w
from ganache.types import Prior

Unsupervised = Literal["sefa", "pca"]


def generator_directions(
    model: Model,
    how: Unsupervised,
    top: int,
    *,
    n: int = 1000,
    mean: float = 0.0,
    std: float = 1.0,
    seed: int = 0,
    classes: Sequence[int] = (),
    layers: Sequence[int] = (),
) -> tuple[Tensor, list[str]]:
    """Return (unit directions in the noise [K, noise], the strongest first; their captions).

    "sefa" uses the first weight (Shen and Zhou 2021, SeFa); "pca" the first activations of n sampled latents
    (Härkönen et al. 2020, GANSpace). In W they are the weights of the layers that change, and w itself; `layers` are
    the first and the last of them. Raises ConfigError for "sefa" if no linear layer receives the latents.
    """
    noise, in_w = model.prior.noise, isinstance(model.prior, StylePrior)
    if how == "sefa":
        weight = style_weight(model, layers) if in_w else first_weight(model.generator)[:, :noise]
        directions, sizes = sefa(weight, top)
    else:
        z = sample_latents(model.prior, n, mean, std, seed, classes)
        h = z[:, : noise // model.generator.style_layers] if in_w else first_activations(model.generator, z)
        directions, sizes = pca(h if in_w else z[:, :noise], h, min(top, noise, *h.shape))
        if not (directions.norm(dim=1) > 0).all():
            raise ConfigError(
                f"{n} latents at std {std:g} differ in fewer than {top} directions: use more, or a larger std."
            )
    if in_w:
        directions = in_layers(model, directions, layers)
    captions = {"sefa": "sefa {}, stretched by {:.2g}", "pca": "pca {}, {:.1%} of the variance"}[how]
    return directions, [captions.format(k, each) for k, each in enumerate(sizes.tolist(), 1)]


def style_weight(model: Model, layers: Sequence[int]) -> Tensor:
    """Return the weights [F, w_dim] that these layers of a style-based generator apply to w."""
    weights = [weight.detach().float().cpu() for weight in model.generator.style_weights()]
    return torch.cat(weights[layer_range(layers, len(weights))])


def in_layers(model: Model, directions: Tensor, layers: Sequence[int]) -> Tensor:
    """Return directions [K, w_dim] as unit directions of the w of these layers, [K, style_layers * w_dim]."""
    count = model.generator.style_layers
    whole = directions.new_zeros(len(directions), count, directions.shape[1])
    whole[:, layer_range(layers, count)] = directions[:, None]
    return unit_rows(whole.flatten(1))


def one_step(model: Model, directions: Tensor) -> Tensor:
    """Return unit directions [K, noise] with the length of a step of 1: 1 in z, the standard deviation of w in W."""
    prior = model.prior
    if not isinstance(prior, StylePrior):
        return directions
    assert prior.generator is not None
    w = measured_w(prior.generator, prior.mapped).to(directions)
    of_all_layers = directions.reshape(len(directions), -1, w.shape[1]).sum(dim=1)  # these have the same w
    return directions * (w @ of_all_layers.T).std(dim=0)[:, None]


def direction_of_examples(
    source: LatentSource,
    model: Model,
    having: Sequence[Point],
    lacking: Sequence[Point],
    ridge: float,
    layers: Sequence[int] = (),
) -> tuple[Tensor, list[str]]:
    """Return (the unit direction [1, noise] from latents without a feature to latents with it, its caption).

    In W it is that of the layers from the first to the last of `layers`.
    """
    positive, negative = (source.all_exemplars(points) for points in (having, lacking))
    caption = f"from {len(negative)} without to {len(positive)} with"
    return direction_between(model, positive, negative, ridge, layers), [caption]


def direction_between(
    model: Model, positive: Tensor, negative: Tensor, ridge: float, layers: Sequence[int] = ()
) -> Tensor:
    """Return the unit direction [1, noise] from latents [M, z_dim] without a feature to those with it [N, z_dim]."""
    if not isinstance(model.prior, StylePrior):
        noise = model.prior.noise
        return separating_direction(positive[:, :noise], negative[:, :noise], ridge)
    count = model.generator.style_layers
    having, lacking = (each.reshape(len(each), count, -1)[:, 0] for each in (positive, negative))
    return in_layers(model, separating_direction(having, lacking, ridge), layers)


def resolve_directions(points: Sequence[Point], source: LatentSource, model: Model) -> Tensor:
    """Return directions in the noise [K, noise]: towards latents, or those named sefa1, pca1, ..., one step long.

    Raises ConfigError for a direction of length 0.
    """
    rows = torch.cat(
        [
            generator_direction(point, model) if names_generator_direction(point) else towards(point, source, model)
            for point in points
        ]
    )
    if not (rows.norm(dim=1) > 0).all():
        raise ConfigError("A direction is 0 in each dimension of the noise and leads nowhere: name another.")
    return one_step(model, unit_rows(rows))


def towards(point: Point, source: LatentSource, model: Model) -> Tensor:
    """Return the direction [1, noise] that a point stands for: itself if it is one, else the way to it from the mean.

    Raises ConfigError for a direction of z in W: a mapping is not linear, so it leads elsewhere from each latent.
    """
    prior, (first, *others) = model.prior, point.parts
    if not isinstance(prior, StylePrior):
        return source.from_point(point)[:, : prior.noise]
    if not others and isinstance(first, Kept):
        if is_direction(first, prior.mapped):
            raise ConfigError(
                f"{point} is a direction of z: find one of w with  ganache directions RUN --space w, or leave out "
                "--space w."
            )
        if is_direction(first, prior):
            return source.from_point(point)
    assert prior.generator is not None
    return source.from_point(point) - mean_w(prior.generator).repeat(model.generator.style_layers)


def is_direction(kept: Kept, prior: Prior) -> bool:
    """Return whether a kept latent is a direction as `ganache directions` saves it: length 1, no category, no codes."""
    noise, rest = kept.vector[: prior.noise], kept.vector[prior.noise :]
    own = not kept.seeds and len(kept.vector) == prior.z_dim
    return own and abs(math.hypot(*noise) - 1) < 1e-3 and not any(rest)


def names_generator_direction(point: Point) -> bool:
    """Return whether the point is sefa1, pca1 or the like."""
    name = point.parts[0]
    return len(point.parts) == 1 and isinstance(name, str) and GENERATOR_DIRECTION.fullmatch(name) is not None


def generator_direction(point: Point, model: Model) -> Tensor:
    """Return the direction sefa1, pca1, ... [1, noise]. Raises ConfigError if the generator has fewer."""
    how, number = GENERATOR_DIRECTION.fullmatch(str(point)).groups()  # type: ignore[union-attr]
    rows, _ = generator_directions(model, cast(Unsupervised, how), int(number))
    if len(rows) < int(number):
        raise ConfigError(f"{model.name} has {len(rows)} directions by {how}: {point} is not one of them.")
    return rows[-1:]


def moved_grid(
    rows: Tensor,
    captions: Sequence[str],
    points: Sequence[Point],
    steps: Sequence[float],
    source: LatentSource,
    model: Model,
) -> ImageGrid:
    """Return images of latents moved by steps times directions [K, noise]; category and codes stay as they are.

    Rows are directions, for each of the points; columns are steps.
    """
    z = source.from_points(points)  # [P, z_dim]
    moved = z.repeat(len(rows), 1).repeat_interleave(len(steps), dim=0)  # direction, point, step
    lengths = torch.tensor(steps).to(z).repeat(len(rows) * len(points))[:, None]
    moved[:, : model.prior.noise] += lengths * rows.to(z).repeat_interleave(len(points) * len(steps), dim=0)
    row_labels = tuple(join(name, str(point) if len(points) > 1 else "") for name, point in product(captions, points))
    column_labels = tuple(f"{step:+g}" if step else "0" for step in steps)
    return ImageGrid(render(model.generator, moved), len(steps), column_labels, row_labels, model.name, connected=True)
