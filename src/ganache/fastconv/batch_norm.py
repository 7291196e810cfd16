"""The form "batch-norm": training batch norm and the activation after it, in two passes over memory.

A kernel of our own (`kernels/batch_norm.h`) sums in the first pass and normalises in the second, forward and backward.
PyTorch's norm and activation take five passes forward and eight backward. Ioffe & Szegedy 2015, "Batch normalization".
"""

from __future__ import annotations

from math import prod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganache.fastconv import kernels
from ganache.fastconv.form import Call, Form


def supports(call: Call) -> bool:
    return call.operation == "batch_norm" and call.on_cpu and call.regular and call.has_kernels and in_vectors(call)


def in_vectors(call: Call) -> bool:
    """Whether channels are whole vectors, and each batch has more than one number per channel, as a variance needs."""
    B, C, *sides = call.input
    return C % kernels.VECTOR == 0 and B * prod(sides) > call.batch_groups


def pays(call: Call) -> bool:
    return True


def compute(
    x: Tensor, weight: Tensor, bias: Tensor, running: tuple[Tensor, Tensor], settings: tuple[int, float, float, float]
) -> Tensor:
    """Normalise x [B, C, H, W] and update the running mean and variance [C].

    The settings are: number of batches joined in x, epsilon, slope of the leaky ReLU after it (1 for none), momentum.
    """
    norm = kernels.BatchNorm(*settings)
    y: Tensor = _BatchNormLeakyReLU.apply(x, weight, bias, running, norm)  # type: ignore[no-untyped-call]
    return y


FORM = Form("batch-norm", supports, pays, compute, "two passes over memory instead of five", compute)


class _BatchNormLeakyReLU(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, running: tuple[Tensor, Tensor], norm: kernels.BatchNorm
    ) -> Tensor:
        y, means, variances = kernels.batch_norm(x, weight, bias, running, norm)
        ctx.save_for_backward(x, weight, bias, means, variances)
        ctx.norm = norm
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients by x, weight and bias.

        With create_graph=True (a gradient penalty) the kernel's result could not be differentiated again, so PyTorch's
        operations compute the layer once more, and autograd differentiates those. The results differ by rounding.
        """
        (x, weight, bias, means, variances), norm = ctx.saved_tensors, ctx.norm
        if not torch.is_grad_enabled():
            return *kernels.batch_norm_backward(x, weight, bias, means, variances, gradients[0], norm), None, None
        batches = x.chunk(norm.groups)
        y = torch.cat([F.batch_norm(each, None, None, weight, bias, True, 0, norm.epsilon) for each in batches])
        y = F.leaky_relu(y, norm.slope)
        wanted = [each for each, needed in zip((x, weight, bias), ctx.needs_input_grad, strict=False) if needed]
        results = iter(torch.autograd.grad(y, wanted, gradients[0], create_graph=True))
        return *(next(results) if needed else None for needed in ctx.needs_input_grad[:3]), None, None
