"""Linear maps whose derivative is written out: the adjoint, which is linear too, so that derivatives of any order are
as fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from ganache.networks import kernels

Map = Callable[[Tensor], Tensor]


def linear(x: Tensor, there: Map, back: Map) -> Tensor:
    """there(x), which is linear; its derivative is its adjoint, `back`."""
    y: Tensor = _Linear.apply(x, there, back)  # type: ignore[no-untyped-call]
    return y


class Mapping(Protocol):
    """A map and its adjoint, each into numbers of a type."""

    def there(self, x: Tensor, dtype: torch.dtype | None = None) -> Tensor: ...

    def back(self, parts: Tensor, dtype: torch.dtype | None = None) -> Tensor: ...


def mapped(weight: Tensor, by: Mapping, dtype: torch.dtype) -> Tensor:
    """What is multiplied of a weight, whose gradient keeps the weight's type."""
    return linear(weight, lambda weight: by.there(weight, dtype), lambda parts: by.back(parts, weight.dtype))


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, there: Map, back: Map) -> Tensor:
        ctx.maps = there, back
        return there(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        there, back = ctx.maps
        return linear(gradients[0], back, there), None, None


def products(a: Tensor, b: Tensor) -> Tensor:
    """a [P, m, k] and b [P, k, n] -> [P, m, n]. A gradient lies in memory as its factor does, which is fast to read."""
    y: Tensor = _Products.apply(a, b)  # type: ignore[no-untyped-call]
    return y


class _Products(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return kernels.multiplied(a, b) if kernels.can_multiply(a, b) else torch.bmm(a, b)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (a, b), (g,) = ctx.saved_tensors, gradients
        by_a = _lying_as(a, g, b.mT) if ctx.needs_input_grad[0] else None
        by_b = _lying_as(b, a.mT, g) if ctx.needs_input_grad[1] else None
        return by_a, by_b


def _lying_as(factor: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return products(b.mT, a.mT).mT if factor.stride(1) == 1 else products(a, b)
