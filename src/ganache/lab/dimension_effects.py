"""How much each dimension of the latents changes the images, measured over many latents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ganache.core.progress import bar as progress_bar
from ganache.core.rendering import Model, generate
from ganache.functional import effects, latents
from ganache.lab.latent_source import sample_latents
from ganache.lab.sweep import Sweep
from ganache.types import Prior

EXAMPLES = 3
"""Latents whose images are kept for each dimension."""


RANKING_PIXELS = 2**22
"""Pixels of all images that a ranking for a page generates, about; a second or a few on one core."""


def latents_to_rank(prior: Prior, image_shape: Sequence[int]) -> int:
    """Return over how many latents a page ranks the dimensions: 8 to 16, fewer for larger images.

    It depends on nothing but the generator, so that the order is the same for everybody.
    """
    each = 2 * prior.z_dim * math.prod(image_shape[1:])
    return max(8, min(16, RANKING_PIXELS // each))


@dataclass(frozen=True)
class Effect:
    """The effect of one dimension, averaged over latents."""

    sweep: Sweep
    pixels: float
    """Mean absolute change of a pixel, as a fraction of the whole range; for points, in their own units."""
    structure: float
    """1 - SSIM; 0 for points."""
    where: Tensor | None
    """Mean absolute change of each pixel [H, W]; None for points."""
    examples: Tensor
    """x [n, 2, *image_shape]: the first n latents with the lowest and the highest value."""


def measure_effects(
    model: Model,
    *,
    n: int = 64,
    reach: float = 2.0,
    by: Literal["pixels", "structure"] = "pixels",
    mean: float = 0.0,
    std: float = 1.0,
    seed: int = 0,
    classes: Sequence[int] = (),
    progress: bool = False,
) -> list[Effect]:
    """Return the effect of every dimension, the largest first. The category counts as one dimension.

    The arguments are the fields of the experiment `Dimensions`.
    """
    z = sample_latents(model.prior, n, mean, std, seed, classes)
    shifted = latents.shifted_prior(model.prior, mean, std)
    low, high = shifted.mean - reach * shifted.std, shifted.mean + reach * shifted.std
    sweeps = all_sweeps(model.prior, low, high, classes)
    bar = progress_bar(sweeps, desc="changing each dimension", unit="dimension", shown=progress)
    measured = [effect(sweep, z, model) for sweep in bar]
    return ranked(measured, by)


def ranked(measured: Sequence[Effect], by: Literal["pixels", "structure"] = "pixels") -> list[Effect]:
    """Return effects, the largest first; of equal ones in five digits the lower dimension comes first."""
    return sorted(measured, key=lambda each: -round(each.pixels if by == "pixels" else each.structure, 5))


def all_sweeps(prior: Prior, low: float, high: float, classes: Sequence[int] = ()) -> list[Sweep]:
    """Return a sweep of each dimension.

    Noise goes from `low` to `high`, each code from -1 to 1, and the category through `classes` or all of its values.
    """
    sweeps = [Sweep(f"dimension {number}", number, (low, high)) for number in range(prior.noise)]
    values = tuple(map(float, classes or range(prior.categories)))
    if len(values) > 1:
        sweeps.append(Sweep("category", None, values))
    first = prior.noise + prior.categories
    return sweeps + [Sweep(f"code{k + 1}", first + k, (-1.0, 1.0)) for k in range(prior.continuous)]


def effect(sweep: Sweep, z: Tensor, model: Model) -> Effect:
    """Measure the change of the images from each value of the sweep to the next, in latents z [N, z_dim]."""
    x = generate(model.generator, sweep.apply(model.prior, z))
    x = x.reshape(len(z), len(sweep.values), *x.shape[1:])
    if x.ndim > 3:
        x = x.clamp(-1, 1)  # as images are shown
    a, b = (part.flatten(0, 1) for part in (x[:, :-1], x[:, 1:]))
    pixels, examples = float(effects.mean_change(a, b).mean()), x[:EXAMPLES, [0, -1]].clone()
    if a.ndim == 2:
        return Effect(sweep, pixels, 0.0, None, examples)
    structure = float(effects.structural_change(a, b).mean())
    return Effect(sweep, pixels, structure, effects.change_map(a, b), examples)


def heat_maps(measured: Sequence[Effect]) -> Tensor:
    """Return uint8 [N, H, W, 3]: where each dimension changes the images, black for nothing, white for its maximum."""
    return effects.heat_colours(torch.stack([each.where for each in measured if each.where is not None]))
