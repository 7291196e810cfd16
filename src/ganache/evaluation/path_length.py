"""The perceptual path length of a generator: how evenly its images change between two latents."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ganache.core.evaluating import evaluating
from ganache.core.halves import SynthesisHalf
from ganache.core.progress import bar as progress_bar
from ganache.core.rendering import generate
from ganache.errors import ConfigError
from ganache.evaluation.evaluation import Score
from ganache.evaluation.features.base import MIN_SIDE
from ganache.evaluation.features.distance import PerceptualDistance
from ganache.evaluation.features.extract import default_features
from ganache.evaluation.features.perceptual import PerceptualFeatures
from ganache.evaluation.metrics.estimates import mean_estimate
from ganache.functional.latents import blend_latents, from_seeds, lerp, slerp
from ganache.types import Generator, ImageShape, Prior

Distance = Callable[[Tensor, Tensor], Tensor]
"""Images a, b [N, *image_shape] to distances [N] that are quadratic for small changes."""

STEP = 1e-4
"""Part of the way from one latent to the other, as in the paper: in float32 the mean is 0.2 % off (bench/NOTES.md)."""

TRIMMED = 0.01
"""Share of the shortest and share of the longest steps that are left out."""

FEWEST = 100
"""Paths, at least."""

CHUNK = 4
"""Steps at a time: 8 images."""


def check_path_length(n: int, image_shape: ImageShape) -> None:
    """Raise ConfigError for a number of paths that is neither 0 nor at least FEWEST, and for unsuitable images."""
    if n and n < FEWEST:
        raise ConfigError(f"path_length is {n}: use 0, or at least {FEWEST} paths, such as 1000.")
    if n and default_features(image_shape) != "perceptual":
        made = "x".join(map(str, image_shape)) if len(image_shape) == 3 else "points"
        raise ConfigError(
            f"The path length needs pictures of at least {MIN_SIDE}x{MIN_SIDE} with 1, 3 or 4 channels, and this "
            f"generator makes {made}: leave out --path-length."
        )


def path_length_scores(
    generator: Generator, prior: Prior, n: int, seed: int, progress: bool = False
) -> Iterator[Score]:
    """Yield the perceptual path length from n paths in z and, of a style-based generator, in w.

    Distances are computed on the generator's device.
    """
    device = next(generator.parameters()).device
    measure = PerceptualDistance(PerceptualFeatures(generator.image_shape).to(device))

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return measure(a.to(device), b.to(device)).cpu()

    for in_w in (False, True) if generator.style_layers else (False,):
        kept = trimmed(path_steps(generator, prior, distance, n, seed, progress, in_w=in_w))
        ways = "lines" if in_w or prior.kind == "uniform" else "arcs"
        left_out = f"without the {n - len(kept):,} shortest and longest"
        how = f"the spread over steps of {STEP:g} on {n:,} {ways} from latent to latent, {left_out}"
        yield Score("ppl_w" if in_w else "ppl", *mean_estimate(kept), better="lower", how=how)


@torch.no_grad()
def path_steps(
    generator: Generator,
    prior: Prior,
    distance: Distance,
    n: int,
    seed: int,
    progress: bool = False,
    step: float = STEP,
    in_w: bool = False,
) -> Tensor:
    """Return distance(G(z(t)), G(z(t + step))) / step^2 for n random paths z and times t, float64 [n].

    Karras et al. 2019, StyleGAN, section 4.1, equation 3: z(t) is the arc from one normal latent to another, or the
    line between uniform ones; with `in_w`, the line between the w of two latents. Both ends have the category of the
    first. The images are not rounded to 8 bits.
    """
    blend = lerp if in_w else blend_latents(prior, lerp if prior.kind == "uniform" else slerp)
    network = SynthesisHalf(generator) if in_w else generator
    device = next(generator.parameters()).device
    t = torch.rand(n, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    found = []
    for start in progress_bar(range(0, n, CHUNK), desc="path length", unit_scale=CHUNK, shown=progress):
        rows = range(start, min(start + CHUNK, n))
        a, b = (from_seeds(prior, [seed + 2 * row + end for row in rows]).double() for end in (0, 1))
        b[:, prior.noise : prior.noise + prior.categories] = a[:, prior.noise : prior.noise + prior.categories]
        if in_w:
            with evaluating(generator):
                a, b = (generator.mapping(end.float().to(device)).double().cpu() for end in (a, b))
        at = t[start : start + CHUNK]
        z = torch.cat([blend(a, b, at), blend(a, b, at + step)]).float()
        before, after = generate(network, z).chunk(2)
        found.append(distance(before, after).double() / step**2)
    return torch.cat(found)


def trimmed(steps: Tensor) -> Tensor:
    """Return the steps [n] between the 1st and the 99th percentile, as StyleGAN's code does: few decide the mean."""
    low, high = torch.quantile(steps, torch.tensor([TRIMMED, 1 - TRIMMED]).to(steps))
    return steps[(steps >= low) & (steps <= high)]
