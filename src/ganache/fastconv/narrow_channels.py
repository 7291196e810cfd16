"""Layers between pictures of few channels and half as large ones of many, with 4x4 kernels, by kernels of our own: the
first of a critic and the last of a generator, in bfloat16.

The sum of small * conv2d(large, weight) is linear in each of the three. A layer, its transpose and the weight's
gradient are its derivatives by one of them, made of the two others; so are these' derivatives in turn, of any order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from ganache.fastconv import kernels

DERIVATIVES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "small": kernels.few_small,
    "large": kernels.few_large,
    "weight": lambda small, large: kernels.few_weight(small, large).to(small.dtype),
}
"""By each of the three, made of the two others in this order."""


def conv2d(large: Tensor, weight: Tensor, slope: float = 1.0) -> Tensor:
    """F.conv2d(large [B, L, 2 h, 2 w], weight [S, L, 4, 4], stride=2, padding=1), multiplied with `slope` below 0."""
    large, weight = large.contiguous(), weight.to(large.dtype)  # once, for the weight's gradient too
    if slope == 1:
        return derivative("small", large, weight)
    made: Tensor = _Activated.apply(large, weight, slope)  # type: ignore[no-untyped-call]
    return made


def conv_transpose2d(small: Tensor, weight: Tensor) -> Tensor:
    """F.conv_transpose2d(small [B, S, h, w], weight [S, L, 4, 4], stride=2, padding=1)."""
    return derivative("large", small, weight.to(small.dtype))


def derivative(by: str, one: Tensor, other: Tensor) -> Tensor:
    made: Tensor = _Derivative.apply(by, one, other)  # type: ignore[no-untyped-call]
    return made


class _Derivative(Function):
    @staticmethod
    def forward(ctx: Any, by: str, one: Tensor, other: Tensor) -> Tensor:
        ctx.save_for_backward(one, other)
        ctx.by = by
        return DERIVATIVES[by](one, other)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        of = [name for name in DERIVATIVES if name != ctx.by]
        known = {ctx.by: gradients[0], **dict(zip(of, ctx.saved_tensors, strict=True))}
        made = (
            derivative(by, *(known[name] for name in DERIVATIVES if name != by)) if needed else None
            for by, needed in zip(of, ctx.needs_input_grad[1:], strict=True)
        )
        return None, *made


class _Activated(Function):
    """The small picture and its activation, whose derivative what it made tells."""

    @staticmethod
    def forward(ctx: Any, large: Tensor, weight: Tensor, slope: float) -> Tensor:
        small = kernels.few_small(large, weight, slope)
        ctx.save_for_backward(large, weight, small)
        ctx.slope = slope
        return small

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (large, weight, small), (g,), slope = ctx.saved_tensors, gradients, ctx.slope
        by_large, by_weight = ctx.needs_input_grad[:2]
        if torch.is_grad_enabled():  # somebody takes the derivative's derivative
            g = torch.where(small > 0, g, slope * g)
            made = (
                derivative("large", g, weight) if by_large else None,
                derivative("weight", g, large) if by_weight else None,
            )
        else:
            made = (
                kernels.few_large(g, weight, small, slope) if by_large else None,
                kernels.few_weight(g, large, small, slope).to(g.dtype) if by_weight else None,
            )
        return *made, None
