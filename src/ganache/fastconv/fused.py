"""Layers one after another, of which some do what the activation after them would."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, compiler, nn


class FusesActivation(ABC):
    """A layer that can take the activation after it along, if that multiplies with a slope below 0."""

    @abstractmethod
    def activated(self, x: Tensor, slope: float) -> Tensor:
        """What both make of x."""


def leaky(y: Tensor, slope: float) -> Tensor:
    """y, in its own memory multiplied with `slope` below 0."""
    return y if slope == 1 else F.leaky_relu(y, slope, inplace=True)


class FusedSequential(nn.Sequential):
    """nn.Sequential; in training, layers take activations along, unless somebody watches either."""

    def forward(self, x: Tensor) -> Tensor:
        taken = False
        for layer, after in pairwise([*self, None]):
            slope = slope_along(layer, after)
            if taken:
                taken = False
            elif isinstance(layer, FusesActivation) and slope is not None:
                x, taken = layer.activated(x, slope), True
            else:
                x = layer(x)
        return x


def slope_along(layer: nn.Module, after: nn.Module | None) -> float | None:
    """Of an activation that the layer before it can take along."""
    if not isinstance(layer, FusesActivation) or not isinstance(after, nn.ReLU | nn.LeakyReLU) or not layer.training:
        return None
    if compiler.is_compiling() or any(each._forward_hooks or each._forward_pre_hooks for each in (layer, after)):
        return None
    return getattr(after, "negative_slope", 0.0)
