"""The cores of this machine: a function applied to many items on all of them, and how long threads waited for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_on_cores(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return [function(item) for item in items], computed in as many threads as PyTorch uses.

    PyTorch splits an operation between threads, and they wait for each other after each of them; small operations are
    faster when each thread computes whole items. In a thread of this function PyTorch uses one core, and gradients are
    recorded if they are where it was called.
    """
    cores = torch.get_num_threads()
    if cores == 1 or len(items) < 2:
        return [function(item) for item in items]
    gradients = torch.is_grad_enabled()

    def prepare() -> None:
        torch.set_num_threads(1)
        torch.set_grad_enabled(gradients)

    try:
        with ThreadPoolExecutor(cores, thread_name_prefix="ganache-cores", initializer=prepare) as threads:
            return list(threads.map(function, items))
    finally:
        torch.set_num_threads(cores)  # for threads that start later, which take the number that was set last


def batch_on_cores(function: Callable[[Tensor], Sequence[Tensor]], x: Tensor) -> tuple[Tensor, ...]:
    """Return function(x) for x [B, ...], where each core computes a part of the batch, and later its gradient.

    `function` treats each image alone, has no weights that are trained, and returns tensors [B, ...]. A network whose
    layers are small then takes less time than with all cores in each layer. There is no second derivative.
    """
    if x.device.type != "cpu" or torch.get_num_threads() == 1 or len(x) < 2:
        return tuple(function(x))
    if torch.is_grad_enabled() and x.requires_grad:
        found: tuple[Tensor, ...] = BatchOnCores.apply(x, function)  # type: ignore[no-untyped-call]
        return found
    return joined(map_on_cores(function, x.chunk(torch.get_num_threads())))


class BatchOnCores(torch.autograd.Function):
    """`batch_on_cores` with a gradient: each part of the batch keeps a graph of its own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Callable[[Tensor], Sequence[Tensor]]) -> tuple[Tensor, ...]:
        ctx.parts = [part.detach().requires_grad_() for part in x.chunk(torch.get_num_threads())]
        with torch.enable_grad():
            ctx.outputs = map_on_cores(function, ctx.parts)
        return joined([[each.detach() for each in outputs] for outputs in ctx.outputs])

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        of_parts = zip(*(each.split([len(part) for part in ctx.parts]) for each in gradients), strict=True)
        parts = list(zip(ctx.outputs, ctx.parts, of_parts, strict=True))
        at_inputs = map_on_cores(lambda part: torch.autograd.grad(*part)[0], parts)
        return torch.cat(at_inputs), None


def joined(parts: Sequence[Sequence[Tensor]]) -> tuple[Tensor, ...]:
    """Return the outputs for a batch from those for its parts."""
    return tuple(torch.cat(each) for each in zip(*parts, strict=True))


def seconds_on_cores() -> tuple[float, float]:
    """Return the seconds that the threads of this process have run, and those that they were ready and had no core.

    The second number grows where other programs compute at the same time. (0, 0) where the system does not tell:
    Linux does, in `/proc/self/task/*/schedstat`.
    """
    ran = waited = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):
        try:
            on_core, in_queue, _ = map(int, path.read_text(encoding="ascii").split())
        except (OSError, ValueError):  # the thread has ended, or a system without these numbers
            continue
        ran, waited = ran + on_core, waited + in_queue
    return ran / 1e9, waited / 1e9
