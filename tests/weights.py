"""Helpers for tests of networks: counting and changing weights, gradients of penalties."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganache.types import Critic


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def perturb(network: nn.Module, by: float = 0.1) -> None:
    """Add noise to all weights, because the initial weights of some families are too small to measure an effect."""
    with torch.no_grad():
        for p in network.parameters():
            p.add_(by * torch.randn_like(p))


def penalty(D: Critic, x: Tensor) -> Tensor:
    """Return E |grad_x D(x)|^2, as in R1, in the precision of the network."""
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(D.head(D.features(x)).sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(1).mean()


def directional_derivatives(
    D: Critic, x: Tensor, of: Callable[[Critic, Tensor], Tensor], step: float = 1e-7
) -> tuple[float, float]:
    """Return the derivative of `of` along a random direction of all weights, by autograd and by central differences."""
    weights = list(D.parameters())
    directions = [torch.randn_like(p) for p in weights]
    gradients = torch.autograd.grad(of(D, x), weights, allow_unused=True)
    analytic = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True) if g is not None)

    def shifted(by: float) -> float:
        other = copy.deepcopy(D)
        with torch.no_grad():
            for p, d in zip(other.parameters(), directions, strict=True):
                p.add_(d, alpha=by)
        return of(other, x).item()

    return float(analytic), (shifted(step) - shifted(-step)) / (2 * step)
