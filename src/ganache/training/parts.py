"""A batch that is computed in parts, one after another or by several processes at once.

Every part is computed as if it were the only one, so it does not matter which process computes it, or after which
others: it has random numbers of its own, and begins with the buffers (running statistics, spectral norm's vectors) that
the networks had before the step. After the step they have the mean over the parts.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ganache.training.seeds import step_seed
from ganache.training.state import Plan, State


def each_part(state: State, plan: Plan, images: int, purpose: int) -> Iterator[slice]:
    """Yield the parts of this process's images of a batch, to be computed one after another.

    `purpose` tells the random numbers of several such loops over one batch apart. A batch that is computed whole goes
    on with the random numbers and buffers that there are.
    """
    parts = plan.parts(images)
    if plan.micro_batch is None:
        yield from parts
        return
    device = next(state.critic.parameters()).device
    buffers = [buffer for network in (state.generator, state.critic) for buffer in changing_buffers(network)]
    before = [buffer.clone() for buffer in buffers]
    sums = [torch.zeros_like(buffer) for buffer in buffers if buffer.is_floating_point()]
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        for place, part in enumerate(parts):
            number = plan.processes.rank * len(parts) + place
            torch.manual_seed(step_seed(step_seed(plan.seed, state.batch_index), purpose * plan.batch + number))
            restore(buffers, before)
            yield part
            for total, buffer in zip(sums, floating(buffers), strict=True):
                total += buffer / (len(parts) * plan.processes.world)
    plan.processes.add(sums)
    restore(list(floating(buffers)), sums)


@torch.no_grad()
def restore(buffers: list[Tensor], values: list[Tensor]) -> None:
    for buffer, value in zip(buffers, values, strict=True):
        buffer.copy_(value)


def floating(buffers: list[Tensor]) -> Iterator[Tensor]:
    return (buffer for buffer in buffers if buffer.is_floating_point())


def changing_buffers(network: nn.Module) -> list[Tensor]:
    """Return the buffers that a checkpoint holds: those of which a pass through the network may change some."""
    kept = network.state_dict(keep_vars=True)
    return [buffer for name, buffer in network.named_buffers() if name in kept]
