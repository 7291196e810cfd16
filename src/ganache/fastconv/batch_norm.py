"""Batch norm that takes the activation after it along, and knows how many batches it is given.

Two passes over memory by a kernel of our own (`kernels`), there and back, where PyTorch's norm and activation take five
and eight; so in training on a CPU, elsewhere they are PyTorch's.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, compiler, nn

from ganache.fastconv import kernels
from ganache.fastconv.fused import FusesActivation, leaky


class BatchNorm2d(nn.BatchNorm2d, FusesActivation):
    """PyTorch's, whose training knows several batches apart."""

    batch_groups = 1
    """How many lie in what it is given, one after the other; each has its own mean and spread (`types.Critic.both`)."""

    def forward(self, x: Tensor) -> Tensor:
        return self.activated(x)

    def activated(self, x: Tensor, slope: float = 1.0) -> Tensor:
        """x [B, C, H, W], normalised, and below 0 multiplied with `slope`."""
        if self.training and self._has_kernel(x):
            return self._by_kernel(x, slope)
        if self.training and self.batch_groups > 1:
            y = torch.cat([super(BatchNorm2d, self).forward(each) for each in x.chunk(self.batch_groups)])
        else:
            y = super().forward(x)
        return leaky(y, slope)

    def _has_kernel(self, x: Tensor) -> bool:
        plain = self.affine and self.track_running_stats and self.momentum and self.weight.dtype is torch.float32
        several = x.numel() > self.batch_groups * x.shape[1]  # of one number there is no spread, and PyTorch says so
        return bool(plain) and several and kernels.fit(x, x.shape[1]) and not compiler.is_compiling()

    def _by_kernel(self, x: Tensor, slope: float) -> Tensor:
        kept = self.running_mean, self.running_var
        norm = kernels.Norm(self.batch_groups, self.eps, slope, self.momentum or 0.0)
        y: Tensor = _Normed.apply(x, self.weight, self.bias, kept, norm)  # type: ignore[no-untyped-call]
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(self.batch_groups)
        return y


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, kept: tuple[Tensor, Tensor], norm: kernels.Norm
    ) -> Tensor:
        y, *found = kernels.normed(x, weight, bias, kept, norm)
        ctx.save_for_backward(x, weight, bias, *found)
        ctx.norm = norm
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight, bias, means, variances), norm = ctx.saved_tensors, ctx.norm
        if not torch.is_grad_enabled():
            return *kernels.normed_back(x, weight, bias, means, variances, gradients[0], norm), None, None
        # Somebody takes the derivative's derivative.
        parts = [F.batch_norm(each, None, None, weight, bias, True, 0, norm.epsilon) for each in x.chunk(norm.groups)]
        wanted = [each for each, needed in zip((x, weight, bias), ctx.needs_input_grad, strict=False) if needed]
        y = F.leaky_relu(torch.cat(parts), norm.slope)
        found = iter(torch.autograd.grad(y, wanted, gradients[0], create_graph=True))
        return *(next(found) if needed else None for needed in ctx.needs_input_grad[:3]), None, None
