"""The averaged generator: an exponential moving average of the generator's weights."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ganache.functional import schedules
from ganache.training.state import Plan, State


@torch.no_grad()
def update_average(state: State, plan: Plan) -> None:
    """Move the averaged generator towards the generator, running statistics included."""
    if state.average is state.generator or plan.ema_half_life is None:
        return
    decay = schedules.ema_decay(state.batch_index * plan.batch, plan.batch, plan.ema_half_life, plan.ema_rampup)
    pairs = zip(parameters_and_buffers(state.average), parameters_and_buffers(state.generator), strict=True)
    averages, currents = zip(*((a, b) for a, b in pairs if a.is_floating_point()), strict=True)
    torch._foreach_lerp_(averages, currents, 1 - decay)  # one call: on a GPU, launches cost more than the sums
    for average, current in zip(state.average.buffers(), state.generator.buffers(), strict=True):
        if not average.is_floating_point():
            average.copy_(current)


def parameters_and_buffers(network: nn.Module) -> Iterator[Tensor]:
    """Yield the weights, then the buffers, such as the running statistics of batch norm."""
    yield from network.parameters()
    yield from network.buffers()
