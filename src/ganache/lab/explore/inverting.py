"""Pictures -> the latents that make them best."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d
from tqdm import trange

from ganache.core import images
from ganache.core.images import Pictures
from ganache.core.rendering import Model, generate, render
from ganache.errors import ConfigError
from ganache.functional import latents
from ganache.lab.explore.samples import caption
from ganache.lab.figure import ImageGrid
from ganache.lab.requests import Invert, refuse_classes
from ganache.types import Prior

SLACK = 1.0
"""Normal latents of d numbers are about sqrt(d) long, give or take 0.7 whatever d is: so far off is typical."""


def invert(request: Invert, model: Model, pictures: Pictures, progress: bool = False) -> Tensor:
    """Pictures uint8 [N, H, W, C], or points [N, 2], of the generator's shape -> z [N, z_dim], on the CPU.

    Noise and codes descend; the category is that of the start. The generator's weights and mode stay as they are.
    """
    generator, prior = model.generator, model.prior
    device = next(generator.parameters()).device
    x = images.as_x(pictures)
    if tuple(x.shape[1:]) != generator.image_shape:
        made, given = ("x".join(map(str, shape)) for shape in (generator.image_shape, x.shape[1:]))
        raise ConfigError(f"The picture is {given} (channels, height, width), and {model.name} makes {made}.")
    refuse_classes(request.classes, prior)
    starts, target = nearest_starts(request, model, x).to(device), x.to(device)
    was_training = generator.training
    generator.eval()
    try:
        with torch.enable_grad():
            ends, losses = descend(lambda z: generator(z).float(), starts, target, prior, request, progress)
    finally:
        generator.train(was_training)
    best = losses.argmin(dim=1)
    return ends[torch.arange(len(ends)), best.to(ends.device)].cpu()


def nearest_starts(request: Invert, model: Model, x: Tensor) -> Tensor:
    """z [N, starts, z_dim]: for each picture those of the drawn latents whose pictures are nearest."""
    z = latents.from_seeds(model.prior, range(request.seed, request.seed + request.drawn), request.classes)
    made = generate(model.generator, z)
    chosen = [distance(made, each[None]).topk(request.starts, largest=False).indices for each in x]
    return z[torch.stack(chosen)]


def descend(
    generator: Callable[[Tensor], Tensor],
    starts: Tensor,
    x: Tensor,
    prior: Prior,
    request: Invert,
    progress: bool = False,
) -> tuple[Tensor, Tensor]:
    """z [N, S, z_dim] and pictures x [N, ...] -> (where the descents end [N, S, z_dim], their distances [N, S]).

    Adam treats each number of a latent by itself, so the descents do not touch each other.
    """
    n, s, end = len(x), starts.shape[1], prior.noise + prior.categories
    targets = x.repeat_interleave(s, dim=0)
    category = starts.flatten(0, 1)[:, prior.noise : end]
    noise = starts.flatten(0, 1)[:, : prior.noise].clone().requires_grad_()
    codes = starts.flatten(0, 1)[:, end:].clone().requires_grad_()
    optimiser = torch.optim.Adam([noise, codes], lr=request.rate, betas=(0.9, 0.99))
    for step in trange(request.iterations, desc="descending", unit="step", disable=None if progress else True):
        optimiser.param_groups[0]["lr"] = request.rate * (1 + math.cos(math.pi * step / request.iterations)) / 2
        z = torch.cat([noise, category, codes], dim=1)
        loss = distance(generator(z), targets) + request.typical * untypical(noise, prior)
        noise.grad, codes.grad = torch.autograd.grad(loss.sum(), [noise, codes], materialize_grads=True)
        optimiser.step()
        with torch.no_grad():
            codes.clamp_(-1, 1)
            if prior.kind == "uniform":
                noise.clamp_(prior.mean - prior.std, prior.mean + prior.std)
    z = torch.cat([noise, category, codes], dim=1).detach()
    with torch.no_grad():
        return z.reshape(n, s, -1), distance(generator(z), targets).reshape(n, s)


def distance(a: Tensor, b: Tensor) -> Tensor:
    """[N]: mean square difference, summed over the picture and its halves of 2, 4 and 8 times less: shapes lead."""
    total: Tensor = (a - b).square().flatten(1).mean(dim=1)
    for _ in range(3):
        if a.ndim < 4 or min(a.shape[2:]) < 4:
            break
        a, b = avg_pool2d(a, 2), avg_pool2d(b, 2)
        total = total + (a - b).square().flatten(1).mean(dim=1)
    return total


def untypical(noise: Tensor, prior: Prior) -> Tensor:
    """[N]: how far beyond SLACK the length of noise [N, d] is from a normal sample's, squared, over d."""
    if prior.kind == "uniform" or not prior.std:
        return noise.new_zeros(len(noise))
    d = noise.shape[1]
    lengths: Tensor = torch.linalg.vector_norm((noise - prior.mean) / prior.std, dim=1)
    off = (lengths - math.sqrt(d)).abs()
    return (off - SLACK).relu().square() / d


def psnr(a: Pictures, b: Pictures) -> list[float]:
    """Of each pair of pictures uint8 [N, H, W, C], in dB: 10 log10(255^2 / mean square difference)."""
    errors = np.square(a.astype(float) - b.astype(float)).reshape(len(a), -1).mean(axis=1)
    return [10 * math.log10(255**2 / error) if error else math.inf for error in errors]


def inverted(
    request: Invert, model: Model, pictures: Pictures, progress: bool = False
) -> tuple[str, list[ImageGrid], tuple[tuple[float, ...], ...]]:
    """Columns: the pictures; rows: as given, as the generator makes them; below the error."""
    z = invert(request, model, pictures, progress)
    made = render(model.generator, z)
    if pictures.ndim == 2:
        off = np.linalg.norm(pictures - made, axis=1)
        over = tuple(f"{each:.2g} away" for each in off)
    else:
        over = tuple(f"PSNR {each:.1f} dB" for each in psnr(np.asarray(pictures), made))
    beside = ("given", "made again")
    title = "Given pictures, and the nearest that the generator makes."
    both = np.concatenate([np.asarray(pictures), made])
    heading = caption(model.name, f"best of {request.starts} descents of {request.iterations} steps")
    sheet = ImageGrid(both, len(pictures), over, beside, heading, colours="columns")
    return title, [sheet], tuple(tuple(row) for row in z.tolist())
