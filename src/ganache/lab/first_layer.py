"""The first layer of a generator of any family: the weight that is applied to the latents, and the activations."""

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
MAX_SIDE = 8
"""Larger activation maps are averaged down to this side: those of wide layers would not fit into memory."""


def first_weight(generator: Generator) -> Tensor:
    """Return the weight [F, z_dim] of the first linear layer that receives a whole latent.

    With spectral normalisation, this is the normalised weight. Raises ConfigError if there is no such layer.
    """
    weights: list[Tensor] = []

    def record(layer: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if inputs[0].numel() == generator.z_dim:  # one latent
            transposed = isinstance(layer, nn.ConvTranspose2d)  # [z_dim, out, k, k], applied to a 1x1 image
            weight = layer.weight.detach().float().cpu()
            weights.append(weight.flatten(1).T if transposed else weight)

    with forward_hooks(generator, (nn.Linear, nn.ConvTranspose2d), record):
        generate(generator, torch.zeros(1, generator.z_dim))
    if not weights:
        raise ConfigError("This generator has no linear layer that its latents meet first, as sefa needs: use pca.")
    return weights[0]


def first_activations(generator: Generator, z: Tensor) -> Tensor:
    """Return the output [N, F] of the first activation function for z [N, z_dim], or of the mapping if there is one.

    If the generator has neither, return its images.
    """
    if type(generator).mapping is not Generator.mapping:
        device = next(generator.parameters()).device
        with torch.no_grad():
            return generator.mapping(z.to(device)).float().cpu()
    outputs: list[Tensor] = []
    first: list[nn.Module] = []

    def record(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        first[:] = first or [layer]
        if layer is first[0]:
            outputs.append(pooled(output).cpu())

    with forward_hooks(generator, ACTIVATIONS, record):
        x = generate(generator, z)
    return torch.cat(outputs) if sum(map(len, outputs)) == len(z) else pooled(x)


def pooled(h: Tensor) -> Tensor:
    """Return h [B, C, H, W] or [B, F] as rows [B, F'], float32, a copy; maps are pooled to MAX_SIDE x MAX_SIDE."""
    if h.ndim == 4 and max(h.shape[2:]) > MAX_SIDE:
        h = adaptive_avg_pool2d(h, (min(MAX_SIDE, h.shape[2]), min(MAX_SIDE, h.shape[3])))
    return h.detach().flatten(1).float().clone()


@contextmanager
def forward_hooks(
    network: nn.Module, kinds: tuple[type[nn.Module], ...], record: Callable[[Any, tuple[Tensor, ...], Tensor], None]
) -> Iterator[None]:
    """Call `record(layer, inputs, output)` after each forward pass of a layer of these types."""
    hooks = [layer.register_forward_hook(record) for layer in network.modules() if isinstance(layer, kinds)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
