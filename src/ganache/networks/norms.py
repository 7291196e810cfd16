"""Batch norm that takes the activation after it along, and knows how many batches it is given.

Two passes over memory by a kernel of our own (`kernels`), there and back, where PyTorch's norm and activation take five
and eight; so in training on a CPU, elsewhere they are PyTorch's.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, compiler, nn

from ganache.networks import kernels


class BatchNorm2d(nn.BatchNorm2d):
    """PyTorch's, whose training knows several batches apart."""

    batches = 1
    """How many lie in what it is given, one after the other; each has its own mean and spread (`types.Critic.both`)."""

    def forward(self, x: Tensor) -> Tensor:
        return self.activated(x)

    def slope(self, after: nn.Module | None) -> float | None:
        """Of an activation that can be taken along."""
        if not self.training or not isinstance(after, nn.ReLU | nn.LeakyReLU):
            return None
        watched = any(each._forward_hooks or each._forward_pre_hooks for each in (self, after))
        return None if watched else getattr(after, "negative_slope", 0.0)

    def activated(self, x: Tensor, slope: float = 1.0) -> Tensor:
        """x [B, C, H, W], normalised, and below 0 multiplied with `slope`."""
        if self.training and self._has_kernel(x):
            return self._by_kernel(x, slope)
        if self.training and self.batches > 1:
            y = torch.cat([super(BatchNorm2d, self).forward(each) for each in x.chunk(self.batches)])
        else:
            y = super().forward(x)
        return y if slope == 1 else F.leaky_relu(y, slope, inplace=True)

    def _has_kernel(self, x: Tensor) -> bool:
        plain = self.affine and self.track_running_stats and self.momentum
        several = x.numel() > self.batches * x.shape[1]  # of one number there is no spread, and PyTorch says so
        return bool(plain) and several and kernels.fit(x, x.shape[1]) and not compiler.is_compiling()

    def _by_kernel(self, x: Tensor, slope: float) -> Tensor:
        y: Tensor
        y, means, variances = _Normed.apply(  # type: ignore[no-untyped-call]
            x, self.weight, self.bias, self.batches, self.eps, slope
        )
        kept_mean, kept_variance, seen = self.running_mean, self.running_var, self.num_batches_tracked
        assert kept_mean is not None
        assert kept_variance is not None
        assert seen is not None
        share, numbers = self.momentum or 0.0, x.numel() // (self.batches * x.shape[1])
        with torch.no_grad():
            for mean, variance in zip(means, variances * (numbers / (numbers - 1)), strict=True):
                kept_mean.lerp_(mean, share)
                kept_variance.lerp_(variance, share)
            seen.add_(self.batches)
        return y


class Layers(nn.Sequential):
    """nn.Sequential, in which a batch norm takes the activation after it along, unless somebody watches either."""

    def forward(self, x: Tensor) -> Tensor:
        taken = False
        for layer, after in pairwise([*self, None]):
            slope = layer.slope(after) if isinstance(layer, BatchNorm2d) else None
            if taken:
                taken = False
            elif isinstance(layer, BatchNorm2d) and slope is not None:
                x, taken = layer.activated(x, slope), True
            else:
                x = layer(x)
        return x


class _Normed(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, batches: int, epsilon: float, slope: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        y, means, variances = kernels.normed(x, weight, bias, batches, epsilon, slope)
        ctx.save_for_backward(x, weight, bias, means, variances)
        ctx.settings = batches, epsilon, slope
        ctx.mark_non_differentiable(means, variances)
        return y, means, variances

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight, bias, means, variances), (batches, epsilon, slope) = ctx.saved_tensors, ctx.settings
        if not torch.is_grad_enabled():
            made = kernels.normed_back(x, weight, bias, means, variances, gradients[0], batches, epsilon, slope)
            return *made, None, None, None
        # Somebody takes the derivative's derivative.
        parts = [F.batch_norm(each, None, None, weight, bias, True, 0.0, epsilon) for each in x.chunk(batches)]
        wanted = [each for each, needed in zip((x, weight, bias), ctx.needs_input_grad, strict=False) if needed]
        y = F.leaky_relu(torch.cat(parts), slope)
        found = iter(torch.autograd.grad(y, wanted, gradients[0], create_graph=True))
        return *(next(found) if needed else None for needed in ctx.needs_input_grad[:3]), None, None, None
