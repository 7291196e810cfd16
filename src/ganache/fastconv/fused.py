"""A Sequential that fuses a (leaky) ReLU into the layer before it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, compiler, nn

from ganache.fastconv.switch import is_fast


class FusesActivation(ABC):
    """A layer that can apply the leaky ReLU after it while it writes its output."""

    @abstractmethod
    def forward_fused(self, x: Tensor, slope: float) -> Tensor:
        """Return leaky_relu(layer(x), slope)."""


def leaky_relu(y: Tensor, slope: float) -> Tensor:
    """Apply a leaky ReLU in place; the slope 1 stands for no activation."""
    return y if slope == 1 else F.leaky_relu(y, slope, inplace=True)


class FusedSequential(nn.Sequential):
    """nn.Sequential that in training fuses a ReLU or LeakyReLU into a layer before it that can fuse it.

    A forward hook on the layer or on the activation separates the two, because a hook must see the tensor between them.
    The numbers then differ by rounding: in bfloat16 the tensor between them is rounded once more. `explain` says for
    each layer whether its activation is fused. Global module hooks do not separate them.
    """

    def forward(self, x: Tensor) -> Tensor:
        skip = False
        for layer, after in pairwise([*self, None]):
            slope = fused_slope(layer, after)
            if skip:
                skip = False
            elif isinstance(layer, FusesActivation) and slope is not None:
                x, skip = layer.forward_fused(x, slope), True
            else:
                x = layer(x)
        return x


def fused_slope(layer: nn.Module, after: nn.Module | None) -> float | None:
    """Return the slope below zero of the activation `after` if `layer` fuses it, else None."""
    if not isinstance(layer, FusesActivation) or not isinstance(after, nn.ReLU | nn.LeakyReLU) or not layer.training:
        return None
    if compiler.is_compiling() or not is_fast() or has_hooks(layer) or has_hooks(after):
        return None
    return getattr(after, "negative_slope", 0.0)


def has_hooks(layer: nn.Module) -> bool:
    return bool(layer._forward_hooks or layer._forward_pre_hooks)
