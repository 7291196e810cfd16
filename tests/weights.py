"""What tests of networks do with weights."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ganache.types import Critic


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def rouse(network: nn.Module, by: float = 0.1) -> None:
    """Moves all weights at random: some families begin with ones so small that nothing could be measured."""
    with torch.no_grad():
        for p in network.parameters():
            p.add_(by * torch.randn_like(p))


def penalty(D: Critic, x: Tensor) -> Tensor:
    """R1's shape, E |grad_x D(x)|^2, on the float64 scores before they are made float32."""
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(D.head(D.features(x)).sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(1).mean()


def slopes(D: Critic, x: Tensor, of: Callable[[Critic, Tensor], Tensor], step: float = 1e-7) -> tuple[float, float]:
    """The slope of `of` along one random direction of all weights: by autograd, and by central differences."""
    weights = list(D.parameters())
    directions = [torch.randn_like(p) for p in weights]
    gradients = torch.autograd.grad(of(D, x), weights, allow_unused=True)
    analytic = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True) if g is not None)

    def moved(by: float) -> float:
        other = copy.deepcopy(D)
        with torch.no_grad():
            for p, d in zip(other.parameters(), directions, strict=True):
                p.add_(d, alpha=by)
        return of(other, x).item()

    return float(analytic), (moved(step) - moved(-step)) / (2 * step)
