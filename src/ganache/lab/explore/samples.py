"""What a prior's samples look like: sample, truncation, average, distribution, real beside fake.

One function a kind of request: (request, model) -> the sentence above the picture, and its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import ceil, sqrt

import numpy as np
import torch

from ganache.core.images import Pictures
from ganache.core.rendering import Model, as_pictures, generate, render
from ganache.errors import ConfigError
from ganache.functional import latents
from ganache.lab.figure import Figure, ImageGrid, ScatterPlot
from ganache.lab.requests import Average, Distribution, RealVsFake, Sample, Truncation


def sample(request: Sample, model: Model) -> tuple[str, list[ImageGrid]]:
    """A sheet for each mean and std."""
    n, classes = request.n, request.classes
    pictures = render(model.generator, request.latents(model.prior))
    columns = min(n, len(classes) if 1 < len(classes) <= 16 else ceil(sqrt(n)))
    over: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    title = f"{n} samples" + (" of each mean and std." if len(request.settings()) > 1 else ".")
    if pictures.ndim > 2:
        of_classes = tuple(f"class {each}" for each in classes) if columns == len(classes) else ()
        over = of_classes or tuple(f"+{column}" for column in range(columns))
        beside = tuple(f"seed {seed}" for seed in range(request.seed, request.seed + n, columns))
        title += (
            " A row's first seed stands beside it." if of_classes else " A picture's seed: its row's plus its column's."
        )
    sheets = []
    for place, setting in enumerate(request.settings()):
        heading = caption(model.name, "mean {:g}, std {:g}".format(*setting))
        sheets.append(ImageGrid(pictures[place * n :][:n], columns, over, beside, heading))
    return title, sheets


def truncation(request: Truncation, model: Model) -> tuple[str, list[ImageGrid]]:
    """Rows: stds; columns: seeds."""
    every = Sample(request.n, request.mean, request.stds, request.seed, request.classes)
    over = tuple(f"seed {seed}" for seed in range(request.seed, request.seed + request.n))
    beside = tuple(f"std {std:g}" for std in request.stds)
    pictures = render(model.generator, every.latents(model.prior))
    title = f"The same latents, from typical (small std) to unusual (large std), around mean {request.mean:g}."
    return title, [ImageGrid(pictures, request.n, over, beside, model.name)]


def average(request: Average, model: Model) -> tuple[str, list[ImageGrid]]:
    """Columns: means, for each of the classes; rows: the picture of the mean latent, the mean of the pictures."""
    columns = list(product(request.means, request.classes or (None,)))
    middles, means = [], []
    for mean, category in columns:
        classes = () if category is None else (category,)
        z = Sample(request.n, mean, request.std, request.seed, classes).latents(model.prior)
        middles.append(latents.on_noise(model.prior, latents.average, z))
        means.append(generate(model.generator, z).mean(dim=0, keepdim=True))
    pictures = as_pictures(torch.cat([generate(model.generator, torch.cat(middles)), *means]))
    over = tuple(caption("" if each is None else f"class {each}", f"mean {mean:g}") for mean, each in columns)
    beside = ("picture of the mean latent", "mean of the pictures")
    title = (
        f"The average of {request.n} latents of each mean (std {request.std:g}): taken before the generator, and after."
    )
    return title, [ImageGrid(pictures, len(columns), over, beside, model.name, joined=True)]


def distribution(request: Distribution, model: Model) -> tuple[str, list[ScatterPlot]]:
    """A plane with a point for each picture, coloured by mean."""
    every = Sample(request.n, request.means, request.std, request.seed, request.classes)
    z = every.latents(model.prior)
    x = generate(model.generator, z)
    group = np.repeat(np.arange(len(request.means)), request.n)
    groups = tuple(f"mean {mean:g}" for mean in request.means)
    title = f"Where {request.n} {request.of} of each mean fall (std {request.std:g})"
    if x.ndim == 2 and request.of == "pictures":
        return f"{title}.", [ScatterPlot(x.double().numpy(), group, groups, ("x", "y"), None, model.name)]
    many = (x.flatten(1) if request.of == "pictures" else z[:, : model.prior.noise]).double()
    if many.shape[1] < 2:
        raise ConfigError(f"The {request.of} of {model.name} are single numbers, which have no plane to be shown in.")
    middle, directions = latents.principal_components(many, 2)
    xy = (many - middle) @ directions.T
    shares = (xy.square().sum(dim=0) / (many - middle).square().sum().clamp_min(1e-30)).tolist()
    axes = (f"first direction, {shares[0]:.0%} of the variance", f"second direction, {shares[1]:.0%} of the variance")
    pictures = None if x.ndim == 2 else as_pictures(x)
    title += f", in the plane in which all the {request.of} differ most."
    return title, [ScatterPlot(xy.numpy(), group, groups, axes, pictures, model.name)]


def real_vs_fake(request: RealVsFake, models: Sequence[Model], real: Pictures) -> Figure:
    """Rows: real pictures, chosen by the seed, then each model's."""
    n = request.n
    if n > len(real):
        raise ConfigError(f"{n} real pictures are asked for, and there are {len(real)}: ask for fewer.")
    chosen = torch.randperm(len(real), generator=torch.Generator().manual_seed(request.seed))[:n]
    rows = [np.asarray(real[np.sort(chosen.numpy())])]
    for model in models:
        z = Sample(n, request.mean, request.std, request.seed, request.classes).latents(model.prior)
        rows.append(render(model.generator, z))
        if rows[-1].shape != rows[0].shape:
            made, wanted = ("x".join(map(str, row.shape[1:])) for row in (rows[-1], rows[0]))
            raise ConfigError(f"The pictures of {model.name} are {made}, and the real ones are {wanted}: leave it out.")
    title = f"Real and generated; latents of mean {request.mean:g} and std {request.std:g}."
    beside = ("real", *(model.name or "generated" for model in models))
    return Figure(title, ((ImageGrid(np.concatenate(rows), n, beside=beside),),))


def caption(*parts: str) -> str:
    """The parts that say something, with commas."""
    return ", ".join(part for part in parts if part)
