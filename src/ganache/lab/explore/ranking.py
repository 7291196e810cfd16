"""Which dimension does what: each one's effect on the pictures, measured over many latents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ganache.core.rendering import Model, as_pictures, generate
from ganache.functional import effects, latents
from ganache.lab.explore.locating import Sweep
from ganache.lab.figure import ImageGrid
from ganache.lab.requests import Dimensions, Sample
from ganache.types import Prior

SHOWN = 3
"""Latents in which a dimension is shown."""


@dataclass(frozen=True)
class Effect:
    """What one dimension does, in the mean over the latents."""

    sweep: Sweep
    pixels: float
    """Mean absolute change of a pixel, as a share of the whole range; of a toy's point, in its own units."""
    structure: float
    """1 - SSIM; 0 for toys."""
    where: Tensor | None
    """Mean absolute change of each pixel [H, W]; None for toys."""
    examples: Tensor
    """x [n, 2, *image_shape]: the first few latents with the lowest and the highest value."""


def effects_of(request: Dimensions, model: Model, progress: bool = False) -> list[Effect]:
    """Every dimension's effect, the greatest first. The category, where there is one, counts as one dimension."""
    drawn = Sample(request.n, request.mean, request.std, request.seed, request.classes)
    z = drawn.latents(model.prior)
    around = latents.shifted_prior(model.prior, request.mean, request.std)
    low, high = around.mean - request.reach * around.std, around.mean + request.reach * around.std
    swept = columns(model.prior, low, high, request.classes)
    bar = tqdm(swept, desc="changing each dimension", unit="dimension", disable=None if progress else True)
    found = [effect(each, z, model) for each in bar]
    return sorted(found, key=lambda each: -(each.pixels if request.by == "pixels" else each.structure))


def columns(prior: Prior, low: float, high: float, classes: tuple[int, ...]) -> list[Sweep]:
    """The noise from low to high, the category through all of its values or the given ones, each code from -1 to 1."""
    swept = [Sweep(f"dimension {number}", number, (low, high)) for number in range(prior.noise)]
    values = tuple(map(float, classes or range(prior.categories)))
    if len(values) > 1:
        swept.append(Sweep("category", None, values))
    first = prior.noise + prior.categories
    return swept + [Sweep(f"code{k + 1}", first + k, (-1.0, 1.0)) for k in range(prior.continuous)]


def effect(sweep: Sweep, z: Tensor, model: Model) -> Effect:
    """Of the change from each value to the next, in latents z [N, z_dim]."""
    x = generate(model.generator, sweep.over(model.prior, z))
    x = x.reshape(len(z), len(sweep.values), *x.shape[1:])
    if x.ndim > 3:
        x = x.clamp(-1, 1)  # as pictures show it
    a, b = (part.flatten(0, 1) for part in (x[:, :-1], x[:, 1:]))
    pixels, examples = float(effects.mean_change(a, b).mean()), x[:SHOWN, [0, -1]].clone()
    if a.ndim == 2:
        return Effect(sweep, pixels, 0.0, None, examples)
    structure = float(effects.structural_change(a, b).mean())
    return Effect(sweep, pixels, structure, effects.change_map(a, b), examples)


def dimensions(request: Dimensions, model: Model, progress: bool = False) -> tuple[str, list[ImageGrid]]:
    """A row for each of the greatest: some latents with it low and high, and where the pictures change."""
    every = effects_of(request, model, progress)
    best = every[: request.top]
    ends = [as_pictures(each.examples.flatten(0, 1)) for each in best]  # low and high in turn
    shown = len(ends[0]) // 2
    if ends[0].ndim == 2:
        rows = [np.insert(each, range(2, len(each) + 1, 2), np.nan, axis=0) for each in ends]  # no line to the next
        beside = tuple(f"{rank}. {each.sweep.name}: {each.pixels:.2g}" for rank, each in enumerate(best, 1))
        title = (
            f"The dimensions that move the points most, of {len(every)}, and the mean move of a coordinate over "
            f"{request.n} latents; here each goes from low to high in {shown} of them."
        )
        return title, [ImageGrid(np.concatenate(rows), 3 * shown, (), beside, model.name, joined=True)]
    maps = effects.heat_colours(torch.stack([each.where for each in best if each.where is not None])).numpy()
    coloured = [np.broadcast_to(each, (*each.shape[:-1], 3)) for each in ends]
    rows = [np.concatenate([each, where[None]]) for each, where in zip(coloured, maps, strict=True)]
    over = [f"seed {request.seed + k}, {end}" for k in range(shown) for end in ("low", "high")]
    beside = tuple(
        f"{rank}. {each.sweep.name}: pixels {each.pixels:.1%}, structure {each.structure:.2f}"
        for rank, each in enumerate(best, 1)
    )
    ranked = "the mean change of a pixel" if request.by == "pixels" else "the change of structure (1 - SSIM)"
    title = (
        f"The dimensions that change the pictures most, of {len(every)}, ranked by {ranked} over {request.n} latents; "
        "on the right where: black nothing, white the most of its row."
    )
    return title, [ImageGrid(np.concatenate(rows), len(over) + 1, (*over, "where"), beside, model.name)]
