"""Linear maps whose derivative is written out: the adjoint, which is linear too, so that derivatives of any order are
as fast."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganache.fastconv import kernels
from ganache.fastconv.tiles import Tiles

Map = Callable[[Tensor], Tensor]


def linear(x: Tensor, there: Map, back: Map) -> Tensor:
    """there(x), which is linear; its derivative is its adjoint, `back`."""
    y: Tensor = _Linear.apply(x, there, back)  # type: ignore[no-untyped-call]
    return y


class TiledMap(ABC):
    """From what tiles see of pictures to what is multiplied, by a kernel of our own or by PyTorch's operations."""

    tiles: Tiles

    @property
    @abstractmethod
    def kernel(self) -> kernels.Squares | kernels.Waves:
        """The same map, to kernels."""

    @abstractmethod
    def of_places(self, places: Tensor) -> Tensor:
        """What a tile sees [n, m, K] -> [products, K]."""

    @abstractmethod
    def of_products(self, parts: Tensor) -> Tensor:
        """The adjoint of `of_places`."""

    def there(self, x: Tensor, dtype: torch.dtype | None = None) -> Tensor:
        """x [B, C, *sides] -> [products, B * tiles, ways * C], of this type or of its own."""
        if kernels.fit(x, x.shape[1], dtype):
            return kernels.mapped(x, self.tiles, self.kernel, dtype or x.dtype)
        seen = self.tiles.cut(x.to(dtype or x.dtype))
        return self.of_places(seen.flatten(2)).view(-1, *seen.shape[2:])

    def back(self, parts: Tensor, dtype: torch.dtype | None = None) -> Tensor:
        """The adjoint of `there`."""
        if kernels.fit(parts, parts.shape[2] // self.tiles.stride**2, dtype):
            return kernels.unmapped(parts, self.tiles, self.kernel, dtype or parts.dtype)
        seen = self.of_products(parts.flatten(1)).view(*self.tiles.seen, *parts.shape[1:])
        return self.tiles.pasted(seen).to(dtype or parts.dtype)


def mapped(weight: Tensor, by: TiledMap, dtype: torch.dtype) -> Tensor:
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
