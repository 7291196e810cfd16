"""GAN inversion by optimisation: find the latents whose images are nearest to given images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ganache.core import images
from ganache.core.evaluating import evaluating
from ganache.core.images import Pictures
from ganache.core.progress import bar as progress_bar
from ganache.core.rendering import Model, generate
from ganache.errors import ConfigError
from ganache.evaluation.features.distance import PerceptualDistance, map_distance
from ganache.evaluation.features.extract import suitable_features
from ganache.evaluation.features.perceptual import PerceptualFeatures
from ganache.functional import latents
from ganache.lab.latent_source import check_classes
from ganache.lab.styles import check_mapping, measured_w, styles
from ganache.types import Generator, Prior

Error = Callable[[Tensor], Tensor]
"""Images [N, ...] to their errors [N]."""

REFINE_RATE = 0.5
"""Learning rate of the refinement, as a part of that of the search."""

REFINE_CHUNK = 8
"""Pictures that are refined at a time: the perceptual network is fastest with these, and memory stays small."""

TOLERANCE = 1.0
"""Norms of normal latents with d numbers have mean sqrt(d) and std 0.7, about: this far off is still typical."""


@dataclass(frozen=True)
class Settings:
    """Settings of `invert`; the experiment `Invert` documents each."""

    starts: int = 4
    drawn: int = 256
    iterations: int = 300
    rate: float = 0.2
    typical: float = 1.0
    seed: int = 0
    classes: Sequence[int] = ()
    perceptual: float = 0.1
    refinements: int = 100
    space: Literal["z", "w", "w+"] = "z"


def invert(model: Model, pictures: Pictures, settings: Settings, progress: bool = False) -> Tensor:
    """Return the latents z [N, z_dim], on the CPU, that reproduce `pictures` best.

    In the spaces "w" and "w+" of a style-based generator, they are w [N, style_layers * w_dim], the same in all layers
    or not (Abdal et al. 2019, "Image2StyleGAN"). They are found by pixels, then refined by pixels and the perceptual
    distance together, where that can see the pictures. Noise and codes are optimised; the category stays that of the
    start. The generator's weights and mode do not change.

    Args:
        model: The generator and its prior.
        pictures: uint8 [N, H, W, C], or points [N, 2], of the generator's shape.
        settings: Number of starts, iterations and so on.
        progress: Whether to show a progress bar on a terminal.

    Raises:
        ConfigError: The images have another shape than the generator's, or a class is unknown.
    """
    generator, prior = model.generator, model.prior
    device = next(generator.parameters()).device
    x = images.as_x(pictures)
    if tuple(x.shape[1:]) != generator.image_shape:
        expected, given = ("x".join(map(str, shape)) for shape in (generator.image_shape, x.shape[1:]))
        raise ConfigError(f"The picture is {given} (channels, height, width), and {model.name} makes {expected}.")
    check_classes(settings.classes, prior)
    starts, target = nearest_starts(model, x, settings), x.to(device)
    coordinates = Coordinates.of(model, settings.space)
    if coordinates is not None:
        starts, prior = coordinates.of_latents(starts), Prior(coordinates.size)
    starts = starts.to(device)

    def generated(z: Tensor) -> Tensor:
        return (generator(z) if coordinates is None else generator.synthesis(coordinates.styles(z))).float()

    features = suitable_features(generator.image_shape) if settings.perceptual and settings.refinements else None
    with evaluating(generator), torch.enable_grad():
        error = pixel_error(target.repeat_interleave(settings.starts, dim=0))
        ends, losses = optimise(generated, starts, error, prior, settings, progress)
        z = ends[torch.arange(len(ends)), losses.argmin(dim=1).to(ends.device)]
        if isinstance(features, PerceptualFeatures):
            z = refine(generated, z, target, features.to(device), prior, settings, progress)
    return (z if coordinates is None else coordinates.styles(z).flatten(1)).cpu()


@dataclass(frozen=True)
class Coordinates:
    """The space W in units of its spread: u = (w - mean) / standard deviation, so that typical ones are as in z."""

    generator: Generator
    mean: Tensor
    """[w_dim]"""
    std: Tensor
    """[w_dim]"""
    shared: bool
    """Whether all layers have the same w."""

    @classmethod
    def of(cls, model: Model, space: str) -> Coordinates | None:
        """Return the coordinates of the space "w" or "w+"; None for "z". Raises ConfigError without a mapping."""
        if space == "z":
            return None
        check_mapping(model, f"inversion into {space.upper()}")
        w = measured_w(model.generator, model.prior)
        device = next(model.generator.parameters()).device
        return cls(model.generator, w.mean(dim=0).to(device), w.std(dim=0).to(device) + 1e-6, space == "w")

    @property
    def size(self) -> int:
        """How many numbers u has."""
        return len(self.mean) * (1 if self.shared else self.generator.style_layers)

    def of_latents(self, z: Tensor) -> Tensor:
        """Return u [N, S, size] of latents z [N, S, z_dim]."""
        w = styles(self.generator, z.flatten(0, 1)).to(self.mean.device)
        u = ((w - self.mean) / self.std)[:, : 1 if self.shared else None].flatten(1)
        return u.reshape(*z.shape[:2], -1)

    def styles(self, u: Tensor) -> Tensor:
        """Return w [B, style_layers, w_dim] of u [B, size]."""
        w = self.mean + self.std * u.reshape(len(u), -1, len(self.mean))
        return w.expand(-1, self.generator.style_layers, -1)


def pixel_error(x: Tensor) -> Error:
    """Return the function of images that compares them with x [N, ...] by `distance`."""
    return lambda y: distance(y, x)


def refine(
    generator: Callable[[Tensor], Tensor],
    z: Tensor,
    x: Tensor,
    features: PerceptualFeatures,
    prior: Prior,
    settings: Settings,
    progress: bool = False,
) -> Tensor:
    """Return latents near z [N, z_dim] whose images are nearer to x [N, C, H, W], in pixels and as a network sees them.

    The perceptual distance is that of LPIPS (Zhang et al. 2018), times `settings.perceptual`.
    """
    between = PerceptualDistance(features)
    settings = replace(settings, iterations=settings.refinements, rate=settings.rate * REFINE_RATE)

    def refined(z: Tensor, x: Tensor) -> Tensor:
        with torch.no_grad():
            maps = between.maps(x)

        def error(y: Tensor) -> Tensor:
            return distance(y, x) + settings.perceptual * map_distance(between.maps(y), maps)

        return optimise(generator, z[:, None], error, prior, settings, progress)[0][:, 0]

    starts = range(0, len(z), REFINE_CHUNK)
    return torch.cat([refined(z[k : k + REFINE_CHUNK], x[k : k + REFINE_CHUNK]) for k in starts])


def nearest_starts(model: Model, x: Tensor, settings: Settings) -> Tensor:
    """Return z [N, starts, z_dim]: for each image of x, those drawn latents whose images are nearest."""
    seeds = range(settings.seed, settings.seed + settings.drawn)
    z = latents.from_seeds(model.prior, seeds, settings.classes)
    generated = generate(model.generator, z)
    chosen = [distance(generated, each[None]).topk(settings.starts, largest=False).indices for each in x]
    return z[torch.stack(chosen)]


def optimise(
    generator: Callable[[Tensor], Tensor],
    starts: Tensor,
    error: Error,
    prior: Prior,
    settings: Settings,
    progress: bool = False,
) -> tuple[Tensor, Tensor]:
    """Run gradient descent from z [N, S, z_dim] towards a small error of their images [N S, ...].

    Returns (the last latents [N, S, z_dim], their errors [N, S]). Adam treats each number of a latent separately, so
    the N S descents are independent.
    """
    n, s, end = *starts.shape[:2], prior.noise + prior.categories
    category = starts.flatten(0, 1)[:, prior.noise : end]
    noise = starts.flatten(0, 1)[:, : prior.noise].clone().requires_grad_()
    codes = starts.flatten(0, 1)[:, end:].clone().requires_grad_()
    optimiser = torch.optim.Adam([noise, codes], lr=settings.rate, betas=(0.9, 0.99))
    for step in progress_bar(range(settings.iterations), desc="inverting", unit="step", shown=progress):
        optimiser.param_groups[0]["lr"] = settings.rate * (1 + math.cos(math.pi * step / settings.iterations)) / 2
        z = torch.cat([noise, category, codes], dim=1)
        loss = error(generator(z)) + settings.typical * norm_penalty(noise, prior)
        noise.grad, codes.grad = torch.autograd.grad(loss.sum(), [noise, codes], materialize_grads=True)
        optimiser.step()
        with torch.no_grad():
            codes.clamp_(-1, 1)
            if prior.kind == "uniform":
                noise.clamp_(prior.mean - prior.std, prior.mean + prior.std)
    z = torch.cat([noise, category, codes], dim=1).detach()
    with torch.no_grad():
        return z.reshape(n, s, -1), error(generator(z)).reshape(n, s)


def distance(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean squared difference per image [N], summed over full, 1/2, 1/4 and 1/8 resolution.

    The lower resolutions give shapes more weight than texture.
    """
    total: Tensor = (a - b).square().flatten(1).mean(dim=1)
    for _ in range(3):
        if a.ndim < 4 or min(a.shape[2:]) < 4:
            break
        a, b = avg_pool2d(a, 2), avg_pool2d(b, 2)
        total = total + (a - b).square().flatten(1).mean(dim=1)
    return total


def norm_penalty(noise: Tensor, prior: Prior) -> Tensor:
    """Return, per latent [N], the squared excess of the norm of noise [N, d] over a typical one, divided by d.

    The excess is the distance of the norm from sqrt(d), beyond TOLERANCE. It is 0 for a uniform prior.
    """
    if prior.kind == "uniform" or not prior.std:
        return noise.new_zeros(len(noise))
    d = noise.shape[1]
    norms: Tensor = torch.linalg.vector_norm((noise - prior.mean) / prior.std, dim=1)
    off = (norms - math.sqrt(d)).abs()
    return (off - TOLERANCE).relu().square() / d


def psnr(a: Pictures, b: Pictures) -> list[float]:
    """Return the PSNR of each pair of images uint8 [N, H, W, C], in dB: 10 log10(255^2 / mean squared difference)."""
    errors = np.square(a.astype(float) - b.astype(float)).reshape(len(a), -1).mean(axis=1)
    return [10 * math.log10(255**2 / error) if error else math.inf for error in errors]
