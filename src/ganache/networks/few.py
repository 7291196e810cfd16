"""Layers between pictures of few channels and half as large ones of many, with 4x4 kernels, by kernels of our own: the
first of a critic and the last of a generator, in bfloat16.

The sum of small * conv2d(large, weight) is linear in each of the three. A layer, its transpose and the weight's
gradient are its derivatives by one of them, made of the two others; so are these' derivatives in turn, of any order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.autograd import Function

from ganache.networks import kernels

DERIVATIVES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "small": kernels.few_small,
    "large": kernels.few_large,
    "weight": lambda small, large: kernels.few_weight(small, large).to(small.dtype),
}
"""By each of the three, made of the two others in this order."""


def conv2d(large: Tensor, weight: Tensor) -> Tensor:
    """F.conv2d(large [B, L, 2 h, 2 w], weight [S, L, 4, 4], stride=2, padding=1)."""
    return derivative("small", large, weight.to(large.dtype))


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
