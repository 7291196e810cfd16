"""The processes that train together: each computes some parts of every batch, and all add what they found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Processes:
    """This process among those that train together: by default it is alone."""

    rank: int = 0
    world: int = 1
    """Number of processes."""

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
            dist.all_reduce(bucket)
            parts = torch.split(bucket, [tensor.numel() for tensor in chosen])
            torch._foreach_copy_(chosen, [part.view(tensor.shape) for part, tensor in zip(parts, chosen, strict=True)])


ALONE = Processes()
