"""Linear maps for autograd: the derivative of a linear map is its adjoint, which is linear too.

PyTorch would differentiate the operations inside a map one by one. Here the adjoint is written out and has a kernel of
its own, so derivatives of any order are as fast as the map itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganache.fastconv import kernels
from ganache.fastconv.tiles import Tiles

LinearMap = Callable[[Tensor], Tensor]


def apply_linear(x: Tensor, forward: LinearMap, adjoint: LinearMap) -> Tensor:
    """Return forward(x), which must be linear; `adjoint` is its derivative, and the derivative of that is `forward`."""
    y: Tensor = _Linear.apply(x, forward, adjoint)  # type: ignore[no-untyped-call]
    return y


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, forward: LinearMap, adjoint: LinearMap) -> Tensor:
        ctx.maps = forward, adjoint
        return forward(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        forward, adjoint = ctx.maps
        return apply_linear(gradients[0], adjoint, forward), None, None


class TiledTransform(ABC):
    """A linear transform of every tile of an image, computed by a compiled kernel or by PyTorch's operations."""

    tiles: Tiles

    @property
    @abstractmethod
    def kernel(self) -> kernels.WinogradTransform | kernels.RealDft:
        """The same transform, as the compiled kernels take it."""

    @abstractmethod
    def transform(self, pixels: Tensor) -> Tensor:
        """Transform tiles by PyTorch's operations: [n, m, K] -> [P, K], with P numbers per tile of n x m pixels."""

    @abstractmethod
    def transform_adjoint(self, parts: Tensor) -> Tensor:
        """The adjoint of `transform`: [P, K] -> [n * m, K]."""

    def forward(self, x: Tensor, dtype: torch.dtype | None = None) -> Tensor:
        """x [B, C, *sides] -> [P, B * tiles, phases * C], as `dtype` or else as x's own."""
        if kernels.supports(x, x.shape[1], dtype):
            return kernels.transform(x, self.tiles, self.kernel, dtype or x.dtype)
        cut = self.tiles.cut(x.to(dtype or x.dtype))
        return self.transform(cut.flatten(2)).view(-1, *cut.shape[2:])

    def adjoint(self, parts: Tensor, dtype: torch.dtype | None = None) -> Tensor:
        """The adjoint of `forward`: [P, B * tiles, phases * C] -> [B, C, *sides]."""
        if kernels.supports(parts, parts.shape[2] // self.tiles.stride**2, dtype):
            return kernels.transform_adjoint(parts, self.tiles, self.kernel, dtype or parts.dtype)
        cut = self.transform_adjoint(parts.flatten(1)).view(*self.tiles.size, *parts.shape[1:])
        return self.tiles.paste(cut).to(dtype or parts.dtype)


def transform_weight(weight: Tensor, by: TiledTransform, dtype: torch.dtype) -> Tensor:
    """Return the transformed weight as `dtype`. Its gradient has the weight's own number format."""
    return apply_linear(weight, lambda weight: by.forward(weight, dtype), lambda parts: by.adjoint(parts, weight.dtype))


def batched_matmul(a: Tensor, b: Tensor) -> Tensor:
    """Return a [P, m, k] @ b [P, k, n] -> [P, m, n].

    The gradient by a factor has the memory layout of that factor, which makes the next product fast to read.
    """
    y: Tensor = _BatchedMatmul.apply(a, b)  # type: ignore[no-untyped-call]
    return y


class _BatchedMatmul(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return kernels.bmm(a, b) if kernels.supports_bmm(a, b) else torch.bmm(a, b)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (a, b), (g,) = ctx.saved_tensors, gradients
        a_gradient = _matmul_with_layout_of(a, g, b.mT) if ctx.needs_input_grad[0] else None
        b_gradient = _matmul_with_layout_of(b, a.mT, g) if ctx.needs_input_grad[1] else None
        return a_gradient, b_gradient


def _matmul_with_layout_of(factor: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return batched_matmul(b.mT, a.mT).mT if factor.stride(1) == 1 else batched_matmul(a, b)
