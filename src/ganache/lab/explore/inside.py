"""What lies inside a generator of any family: the first weight that meets the latents, the first activations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from ganache.core.rendering import generate
from ganache.errors import ConfigError
from ganache.types import Generator

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Softplus, nn.Sigmoid)
SIDE = 8
"""Activations that are larger maps are averaged down to this side: wide layers would not fit into memory."""


def first_weight(generator: Generator) -> Tensor:
    """The weight [F, z_dim] of the first linear layer that is given a whole latent, as it acts.

    A spectrally normalised layer's weight is the divided one. Raises ConfigError where there is no such layer.
    """
    weights: list[Tensor] = []

    def look(layer: Any, given: tuple[Tensor, ...], output: Tensor) -> None:
        if given[0].numel() == generator.z_dim:  # of one latent
            transposed = isinstance(layer, nn.ConvTranspose2d)  # [z_dim, out, k, k], of a picture of one pixel
            weight = layer.weight.detach().float().cpu()
            weights.append(weight.flatten(1).T if transposed else weight)

    with watched(generator, (nn.Linear, nn.ConvTranspose2d), look):
        generate(generator, torch.zeros(1, generator.z_dim))
    if not weights:
        raise ConfigError("This generator has no linear layer that its latents meet first, as sefa needs: use pca.")
    return weights[0]


def first_activations(generator: Generator, z: Tensor) -> Tensor:
    """z [N, z_dim] -> what leaves the first activation function [N, F], or the mapping where there is one.

    Of a generator without either, the pictures.
    """
    if type(generator).mapping is not Generator.mapping:
        device = next(generator.parameters()).device
        with torch.no_grad():
            return generator.mapping(z.to(device)).float().cpu()
    kept: list[Tensor] = []
    first: list[nn.Module] = []

    def look(layer: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
        first[:] = first or [layer]
        if layer is first[0]:
            kept.append(reduced(output).cpu())

    with watched(generator, ACTIVATIONS, look):
        x = generate(generator, z)
    return torch.cat(kept) if sum(map(len, kept)) == len(z) else reduced(x)


def reduced(h: Tensor) -> Tensor:
    """h [B, C, H, W] or [B, F] -> rows [B, F'] of at most SIDE x SIDE places a channel, float32, a copy."""
    if h.ndim == 4 and max(h.shape[2:]) > SIDE:
        h = adaptive_avg_pool2d(h, (min(SIDE, h.shape[2]), min(SIDE, h.shape[3])))
    return h.detach().flatten(1).float().clone()


@contextmanager
def watched(
    network: nn.Module, kinds: tuple[type[nn.Module], ...], look: Callable[[Any, tuple[Tensor, ...], Tensor], None]
) -> Iterator[None]:
    """Call `look` with (layer, what it is given, what it gives) whenever a layer of these kinds is used."""
    hooks = [layer.register_forward_hook(look) for layer in network.modules() if isinstance(layer, kinds)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
