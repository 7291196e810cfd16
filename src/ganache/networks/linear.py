"""Linear maps whose derivative is written out: the adjoint, which is linear too, so that derivatives of any order are
as fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Map = Callable[[Tensor], Tensor]


def linear(x: Tensor, there: Map, back: Map) -> Tensor:
    """there(x), which is linear; its derivative is its adjoint, `back`."""
    y: Tensor = _Linear.apply(x, there, back)  # type: ignore[no-untyped-call]
    return y


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, there: Map, back: Map) -> Tensor:
        ctx.maps = there, back
        return there(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        there, back = ctx.maps
        return linear(gradients[0], back, there), None, None
