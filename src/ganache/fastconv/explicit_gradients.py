"""An autograd function for convolutions whose output and gradients are computed by functions of a form's choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganache.fastconv.form import Ints

Compute = Callable[[Tensor, Tensor, Ints, Ints], Tensor]
"""(x, weight, stride, padding) -> the output."""

Gradient = Callable[[Tensor, Tensor, Tensor, Ints, Ints], Tensor]
"""(x, weight, gradient by the output, stride, padding) -> the gradient by x, or by the weight."""


@dataclass(frozen=True)
class Convolution:
    """How a form computes a convolution, or a transposed one.

    For second derivatives all three functions must be differentiable.
    """

    output: Compute
    input_gradient: Gradient
    weight_gradient: Gradient

    def __call__(self, x: Tensor, weight: Tensor, stride: Ints, padding: Ints) -> Tensor:
        """Return the output, with these gradients."""
        y: Tensor = _Convolution.apply(self, x, weight, stride, padding)  # type: ignore[no-untyped-call]
        return y


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, how: Convolution, x: Tensor, weight: Tensor, stride: Ints, padding: Ints) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.how, ctx.geometry = how, (stride, padding)
        return how.output(x, weight, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor | None, Tensor | None, None, None]:
        (x, weight), (g,), how = ctx.saved_tensors, gradients, ctx.how
        x_gradient = how.input_gradient(x, weight, g, *ctx.geometry) if ctx.needs_input_grad[1] else None
        weight_gradient = how.weight_gradient(x, weight, g, *ctx.geometry) if ctx.needs_input_grad[2] else None
        return None, x_gradient, weight_gradient, None, None
