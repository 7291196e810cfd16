"""The form "narrow": 4x4 layers between an image of 1 to 4 channels and half as large images of many, in bfloat16.

These are the first layer of a critic and the last of a generator. Kernels of our own compute them: with so few channels
the patch under a kernel fits into registers (`kernels/narrow_channels.h`).

The sum of small * conv2d(large, weight) is linear in each of its three operands. The convolution, the transposed
convolution and the weight's gradient are its derivatives by one operand, computed from the other two. So are the
derivatives of these, so derivatives of any order take the same three kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from ganache.fastconv import kernels
from ganache.fastconv.form import Call, Form

DERIVATIVES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "small": kernels.narrow_conv2d,
    "large": kernels.narrow_conv_transpose2d,
    "weight": lambda small, large: kernels.narrow_weight_gradient(small, large).to(small.dtype),
}
"""The derivative by each operand, computed from the other two in this order."""


def supports(call: Call) -> bool:
    """Whole vectors of channels and of pixels in a row, in bfloat16, with AVX-512 instructions for it."""
    layer = call.on_cpu and call.regular and call.operation in ("conv2d", "conv_transpose2d") and call.is_narrow
    return (
        layer
        and call.dtype is torch.bfloat16
        and call.processor.bfloat16_kernels
        and call.weight[0] % kernels.VECTOR == 0
        and call.small_sides[1] % kernels.VECTOR == 0
    )


def pays(call: Call) -> bool:
    return not call.on_matrix_units


def compute(call: Call, x: Tensor, weight: Tensor) -> Tensor:
    return conv_transpose2d(x, weight) if call.transposed else conv2d(x, weight)


def fused(call: Call, x: Tensor, weight: Tensor, slope: float) -> Tensor:
    return conv2d(x, weight, slope)


FORM = Form(
    "narrow",
    supports,
    pays,
    compute,
    "at most 4 channels on one side: a bfloat16 kernel for them",
    fused,
)


def conv2d(large: Tensor, weight: Tensor, slope: float = 1.0) -> Tensor:
    """Return leaky_relu(conv2d(large, weight, stride=2, padding=1), slope); the slope 1 stands for no activation.

    large [B, L, 2 h, 2 w], weight [S, L, 4, 4] -> [B, S, h, w].
    """
    large, weight = large.contiguous(), weight.to(large.dtype)  # once, for the weight's gradient too
    if slope == 1:
        return derivative("small", large, weight)
    y: Tensor = _ConvLeakyReLU.apply(large, weight, slope)  # type: ignore[no-untyped-call]
    return y


def conv_transpose2d(small: Tensor, weight: Tensor) -> Tensor:
    """Return conv_transpose2d(small, weight, stride=2, padding=1).

    small [B, S, h, w], weight [S, L, 4, 4] -> [B, L, 2 h, 2 w].
    """
    return derivative("large", small, weight.to(small.dtype))


def derivative(by: str, first: Tensor, second: Tensor) -> Tensor:
    """Return the derivative of sum(small * conv2d(large, weight)) by the operand `by`, from the other two operands."""
    y: Tensor = _Derivative.apply(by, first, second)  # type: ignore[no-untyped-call]
    return y


class _Derivative(Function):
    @staticmethod
    def forward(ctx: Any, by: str, first: Tensor, second: Tensor) -> Tensor:
        ctx.save_for_backward(first, second)
        ctx.by = by
        return DERIVATIVES[by](first, second)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        names = [name for name in DERIVATIVES if name != ctx.by]
        operands = {ctx.by: gradients[0], **dict(zip(names, ctx.saved_tensors, strict=True))}
        results = (
            derivative(by, *(operands[name] for name in DERIVATIVES if name != by)) if needed else None
            for by, needed in zip(names, ctx.needs_input_grad[1:], strict=True)
        )
        return None, *results


class _ConvLeakyReLU(Function):
    """The convolution and a leaky ReLU in one kernel. The sign of the output tells the activation's derivative."""

    @staticmethod
    def forward(ctx: Any, large: Tensor, weight: Tensor, slope: float) -> Tensor:
        output = kernels.narrow_conv2d(large, weight, slope)
        ctx.save_for_backward(large, weight, output)
        ctx.slope = slope
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients by `large` and `weight`.

        With create_graph=True (a gradient penalty) autograd must be able to differentiate what happens here, so the
        activation's gradient is a separate operation whose result is rounded to bfloat16. Without it the kernels
        apply the activation's gradient themselves, and nothing is rounded in between.
        """
        (large, weight, output), (g,), slope = ctx.saved_tensors, gradients, ctx.slope
        needs_large, needs_weight = ctx.needs_input_grad[:2]
        if torch.is_grad_enabled():  # create_graph=True
            g = torch.where(output > 0, g, slope * g)
            results = (
                derivative("large", g, weight) if needs_large else None,
                derivative("weight", g, large) if needs_weight else None,
            )
        else:
            results = (
                kernels.narrow_conv_transpose2d(g, weight, output, slope) if needs_large else None,
                kernels.narrow_weight_gradient(g, large, output, slope).to(g.dtype) if needs_weight else None,
            )
        return *results, None
