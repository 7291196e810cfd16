"""Endless batches of a data set. Batch i is a function of the data set, the settings and i only.

So one integer is enough to resume a run exactly where it stopped, and ranks agree without communication. Random choices
are raw bits of a counter-based generator (Philox) with the seed and the epoch or batch as its key. NumPy guarantees
these bits for every version, which it does not for `permutation`.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganache.core.images import to_float
from ganache.data.dataset import Dataset
from ganache.errors import DataError

SHUFFLE, FLIP = 0, 1
"""Purposes of random bits: a key is never used for two purposes."""

_WORD = 2**64


def random_bits(n: int, *, seed: int, key: int, purpose: int) -> NDArray[np.uint64]:
    """Return n random 64-bit words that depend on the arguments only."""
    philox = np.random.Philox(counter=[0, 0, 0, purpose], key=[seed % _WORD, key % _WORD])
    return philox.random_raw(n)


class Stream:
    """Batches `stream[0]`, `stream[1]`, ... of exactly `batch` training images, without end.

    `order` "shuffle" shows every image of `dataset.shown` once per epoch, in a new order for each epoch; "sequential"
    keeps the order of the data set. Batches continue across the ends of epochs, so they are full even if the data set
    is smaller than a batch. With `flip`, each image is mirrored horizontally with probability 1/2.

    `world` processes that train together share the batches of `world * batch` images: the process `rank` reads its rows
    of each. Together they see what one process would.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch: int,
        *,
        seed: int = 0,
        order: Literal["shuffle", "sequential"] = "shuffle",
        flip: bool = False,
        device: torch.device | str = "cpu",
        rank: int = 0,
        world: int = 1,
    ) -> None:
        """Raises DataError for an empty data set, a batch below 1 or an unknown order."""
        if batch < 1:
            raise DataError(f"The batch size is {batch}: give at least 1.")
        if not len(dataset.shown):
            raise DataError(f"'{dataset.name}' is empty: give data with at least one image.")
        if order not in ("shuffle", "sequential"):
            raise DataError(f"There is no order '{order}': choose 'shuffle' or 'sequential'.")
        if flip and dataset.images.ndim == 2:
            raise DataError(f"'{dataset.name}' consists of points, which cannot be mirrored: turn flip off.")
        self.dataset = dataset
        self.batch = batch
        self.seed = seed
        self.order = order
        self.flip = flip
        self.device = torch.device(device)
        self.rank = rank
        self.world = world
        self._epoch: tuple[int, NDArray[Any]] | None = None

    def __getitem__(self, index: int) -> Tensor:
        """Return batch `index`: float32 [B, C, H, W] in [-1, 1] with channels_last strides, or [B, 2] for points."""
        moved = self._to_device(torch.from_numpy(self.dataset.at(self._rows(index)[self._own()])))
        if self.flip:
            bits = random_bits(self.world * self.batch, seed=self.seed, key=index, purpose=FLIP)[self._own()]
            mirrored = self._to_device(torch.from_numpy((bits & np.uint64(1)).astype(bool)))
            pictures = moved.permute(0, 3, 1, 2)  # the layout in which mirroring is fast
            moved = torch.where(mirrored[:, None, None, None], pictures.flip(3), pictures).permute(0, 2, 3, 1)
        return moved if moved.ndim == 2 else to_float(moved)

    def labels(self, index: int) -> Tensor | None:
        """Return the labels of batch `index` in all processes, int64 [world * B]; None for data without labels."""
        if self.dataset.labels is None:
            return None
        return self._to_device(torch.from_numpy(self.dataset.labels[self._rows(index)]))

    def _own(self) -> slice:
        """Return the rows of a batch that this process reads."""
        return slice(self.rank * self.batch, (self.rank + 1) * self.batch)

    def _rows(self, index: int) -> NDArray[Any]:
        """Return the indices of the images in batch `index`, those of all processes."""
        if index < 0:
            raise IndexError(f"Batches are numbered from 0, but batch {index} was requested.")
        batch = self.world * self.batch
        parts: list[NDArray[Any]] = []
        position, end = index * batch, (index + 1) * batch
        while position < end:
            epoch, offset = divmod(position, len(self.dataset.shown))
            parts.append(self._permutation(epoch)[offset : offset + end - position])
            position += len(parts[-1])
        return np.concatenate(parts)

    def _permutation(self, epoch: int) -> NDArray[Any]:
        """Return the order of one epoch. The latest is cached, since batches are read in order."""
        # Read and replaced as one tuple, so that another thread never sees a part of it.
        cached = self._epoch
        if cached is not None and (cached[0] == epoch or self.order == "sequential"):
            return cached[1]
        order = self.dataset.shown
        if self.order == "shuffle":
            order = order[
                np.argsort(random_bits(len(order), seed=self.seed, key=epoch, purpose=SHUFFLE), kind="stable")
            ]
        self._epoch = (epoch, order)
        return order

    def _to_device(self, tensor: Tensor) -> Tensor:
        """Copy to the device; to a GPU from pinned memory, asynchronously."""
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)
