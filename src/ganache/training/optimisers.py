"""The update rules: PyTorch's own, made to start at once, and RMSProp in one pass over memory."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from torch import nn

from ganache.config.sections import OptimiserConfig


def optimiser(
    settings: OptimiserConfig, network: nn.Module, on: torch.device, recorded: bool = False
) -> torch.optim.Optimizer:
    """The update rule over a network's weights; one that can be `recorded` has its rate and its counters on the GPU."""
    weights, epsilon = list(network.parameters()), settings.epsilon
    lr = torch.tensor(settings.lr, device=on) if recorded else settings.lr
    if settings.name == "adam":
        betas, fused = (float(settings.beta1), float(settings.beta2)), on.type in ("cpu", "cuda")
        return light(torch.optim.Adam)(weights, lr, betas, epsilon, fused=fused, foreach=False, capturable=recorded)
    if settings.name == "rmsprop":
        if on.type == "cpu" and not recorded:
            return Rmsprop(weights, settings.lr, settings.beta2, epsilon)
        options: dict[str, Any] = {"alpha": settings.beta2, "eps": epsilon, "foreach": True, "capturable": recorded}
        return light(torch.optim.RMSprop)(weights, lr, **options)
    return light(torch.optim.SGD)(weights, lr, momentum=settings.beta1)


Kind = TypeVar("Kind", bound=type[torch.optim.Optimizer])


def light(kind: Kind) -> Kind:
    """A PyTorch optimiser, without the marks that tell PyTorch's compiler to keep away from it.

    We do not compile, and at the first call a mark loads the whole compiler: a second at every start.
    """
    marked = ("add_param_group", "zero_grad", "step")
    bare: dict[str, Any] = {name: getattr(getattr(kind, name), "__wrapped__", None) for name in marked}
    if None in bare.values():
        return kind  # a PyTorch that marks them in another way
    bare["step"] = torch.no_grad()(bare["step"])  # which its mark did as well
    return type(kind.__name__, (kind,), bare)  # type: ignore[return-value]


FAR = 1e9
"""A step at which Adam's correction of its young averages has long become a factor of 1."""


class Rmsprop(light(torch.optim.RMSprop)):  # type: ignore[misc]
    """Tieleman & Hinton 2012, as PyTorch has it, without momentum; on a CPU by the kernel that fuses Adam's step.

    a = rho a + (1 - rho) g^2; w -= lr g / (sqrt(a) + epsilon) is Adam's rule where nothing is averaged but the squares
    and no average is young. PyTorch takes five passes over memory for it, and the fused kernel one.
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
                gradients,  # their own average, which the kernel writes where it read them
                squares,
                [],
                [torch.full((), FAR)] * len(weights),
                lr=float(group["lr"]),
                beta1=0.0,
                beta2=group["alpha"],
                weight_decay=0.0,
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )
