"""Optimisers: those of PyTorch without their slow first call, and RMSProp in one pass over memory."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import nn

from ganache.config.sections import OptimiserConfig


def optimiser(
    settings: OptimiserConfig, network: nn.Module, device: torch.device, recorded: bool = False
) -> torch.optim.Optimizer:
    """Return the optimiser of a network's weights.

    With `recorded`, its learning rate and its step counters are tensors on `device`, as CUDA graphs require.
    """
    weights, epsilon = list(network.parameters()), settings.epsilon
    lr = torch.tensor(settings.lr, device=device) if recorded else settings.lr
    options: dict[str, Any]
    if settings.name == "adam":
        betas, fused = (float(settings.beta1), float(settings.beta2)), device.type in ("cpu", "cuda")
        return without_compiler_hooks(torch.optim.Adam)(
            weights, lr, betas, epsilon, fused=fused, foreach=False, capturable=recorded
        )
    if settings.name == "rmsprop":
        if device.type == "cpu" and not recorded:
            return Rmsprop(weights, settings.lr, settings.beta2, epsilon)
        options = {"alpha": settings.beta2, "eps": epsilon, "foreach": True, "capturable": recorded}
        return without_compiler_hooks(torch.optim.RMSprop)(weights, lr, **options)
    return without_compiler_hooks(torch.optim.SGD)(weights, lr, momentum=settings.beta1)


OptimiserType = TypeVar("OptimiserType", bound=type[torch.optim.Optimizer])


def without_compiler_hooks(cls: OptimiserType) -> OptimiserType:
    """Return a subclass of a PyTorch optimiser without the decorators that exclude it from compilation.

    Their first call imports PyTorch's whole compiler, which takes a second, and we never compile.
    """
    decorated = ("add_param_group", "zero_grad", "step")
    plain: dict[str, Any] = {name: getattr(getattr(cls, name), "__wrapped__", None) for name in decorated}
    if None in plain.values():
        return cls  # a version of PyTorch that decorates them differently
    plain["step"] = torch.no_grad()(plain["step"])  # its decorator did this as well
    return type(cls.__name__, (cls,), plain)  # type: ignore[return-value]


LATE_STEP = 1e9
"""A step at which Adam's bias correction is a factor of 1."""


class Rmsprop(without_compiler_hooks(torch.optim.RMSprop)):  # type: ignore[misc]
    """RMSProp (Tieleman & Hinton 2012) without momentum, computed on a CPU by PyTorch's fused Adam kernel.

    a = rho a + (1 - rho) g^2; w -= lr g / (sqrt(a) + epsilon) is Adam's rule with beta1 = 0 and without bias
    correction. PyTorch's own RMSProp takes five passes over memory, the fused kernel takes one.
    """

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            gradients = [weight.grad for weight in weights]
            for weight in weights:
                if not self.state[weight]:
                    self.state[weight] |= {"step": torch.zeros(()), "square_avg": torch.zeros_like(weight)}
            if not weights:
                continue
            squares, steps = ([self.state[weight][name] for weight in weights] for name in ("square_avg", "step"))
            torch._foreach_add_(steps, 1)
            torch._fused_adam_(
                weights,
                gradients,
                gradients,  # with beta1 = 0 the average is the gradient itself, and the kernel updates it in place
                squares,
                [],
                [torch.full((), LATE_STEP)] * len(weights),
                lr=float(group["lr"]),
                beta1=0.0,
                beta2=group["alpha"],
                weight_decay=0.0,
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )
