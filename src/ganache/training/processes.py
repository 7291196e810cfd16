"""The processes that train together: each computes a part of every batch, and their gradients are summed.

`torchrun` starts them and tells each its place by environment variables. The first one leads: it reads and writes the
run's folder, and tells the others what to do next.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from threading import Thread
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from ganache.core.text import first_line
from ganache.errors import ConfigError, LostProcess

PATIENCE, PATIENCE_VARIABLE = 600.0, "GANACHE_PATIENCE"
"""Seconds for which a process waits for the others, and the environment variable with another number. The
first process must be able to score and to write a checkpoint in this time."""
GRACE = timedelta(seconds=5)
"""Added to it, so that PyTorch's own timeout is reported first."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Processes:
    """This process among those that train together: by default it is alone."""

    rank: int = 0
    world: int = 1
    """Number of processes."""

    @property
    def leads(self) -> bool:
        """Whether this process reads and writes the run's folder."""
        return self.rank == 0

    def own(self, images: int) -> slice:
        """Return the rows of a batch of so many images that this process computes."""
        share = images // self.world
        return slice(self.rank * share, (self.rank + 1) * share)

    @torch.no_grad()
    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over the processes, in place: the same bits in all of them.

        All tensors of one dtype are sent together.
        """
        if self.world == 1:
            return
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
            chosen = [tensor for tensor in tensors if tensor.dtype == dtype]
            bucket = torch.cat([tensor.reshape(-1) for tensor in chosen])
            with self.connected():
                dist.all_reduce(bucket)
            parts = torch.split(bucket, [tensor.numel() for tensor in chosen])
            torch._foreach_copy_(chosen, [part.view(tensor.shape) for part, tensor in zip(parts, chosen, strict=True)])

    def tell(self, message: Any = None) -> Any:
        """Return the message of the first process, in all of them; in the others the argument is ignored."""
        if self.world == 1:
            return message
        box = [message]
        with self.connected():
            dist.broadcast_object_list(box, 0, device=torch.device("cpu"))
        return box[0]

    def gather(self, message: Any) -> list[Any]:
        """Return the messages of all processes, in all of them."""
        if self.world == 1:
            return [message]
        found: list[Any] = [None] * self.world
        with self.connected():
            dist.all_gather_object(found, message)
        return found

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Raise LostProcess if the others do not answer."""
        try:
            yield
        except RuntimeError as error:
            raise LostProcess(
                f"Process {self.rank} of {self.world} has lost the others ({first_line(error):.100}): "
                "the same command resumes the run from its last checkpoint."
            ) from error


ALONE = Processes()


def join() -> Processes:
    """Join the processes that torchrun has started with this one. Raises ConfigError if they do not find each other."""
    backend = "cpu:gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        backend = "cpu:gloo,cuda:nccl"
    try:
        store, rank, world = within(patience() + GRACE, lambda: next(rendezvous("env://", timeout=patience())))
        # torchrun may keep the store for the processes that it starts again, with the addresses of the dead ones.
        store = PrefixStore(f"attempt {os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)
        dist.init_process_group(backend, store=store, rank=rank, world_size=world, timeout=patience())
    except (dist.DistError, ValueError, RuntimeError, TimeoutError) as error:
        reason = first_line(error) if str(error) else "nobody answers"
        address = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
        raise ConfigError(
            f"This process does not find the others at {address} ({reason:.100}): start them with  "
            "ganache train DATA --processes N  or with torchrun."
        ) from None
    return Processes(rank, world)


def within(time: timedelta, call: Callable[[], Result]) -> Result:
    """Return what a call returns. Raises TimeoutError if it takes longer: it goes on in a thread that nobody waits for.

    PyTorch's store waits for ever where another program has the port and never answers.
    """
    answer = Future[Result]()

    def ask() -> None:
        try:
            answer.set_result(call())
        except Exception as error:
            answer.set_exception(error)

    Thread(target=ask, daemon=True).start()
    return answer.result(time.total_seconds())


def patience() -> timedelta:
    """Return how long a process waits for the others. Raises ConfigError if the variable is no number of seconds."""
    said = os.environ.get(PATIENCE_VARIABLE, str(PATIENCE))
    try:
        seconds = float(said)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 1e6:
        raise ConfigError(f"{PATIENCE_VARIABLE} is {said[:30]!r}: give a number of seconds from 1 to 1,000,000.")
    return timedelta(seconds=seconds)


def leave() -> None:
    """Leave the other processes."""
    if dist.is_initialized():
        dist.destroy_process_group()
