"""Endless batches of a data set. Batch i is a function of (data set, settings, i) and of nothing else.

So a resumed run needs one integer to go on exactly where it stopped, and two ranks agree without talking. Random
choices are raw bits of a counter-based generator (Philox) keyed by the seed and by the epoch or the batch; numpy
promises that these bits stay the same in every version, which it does not for its `permutation`.
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
"""What the random bits are for: the same key never serves two purposes."""

_WORD = 2**64


def random_bits(n: int, *, seed: int, key: int, purpose: int) -> NDArray[np.uint64]:
    """n random words of 64 bits, the same wherever and whenever they are asked for."""
    philox = np.random.Philox(counter=[0, 0, 0, purpose], key=[seed % _WORD, key % _WORD])
    return philox.random_raw(n)


class Stream:
    """Batches of exactly `batch` images: `stream[0]`, `stream[1]`, ... without end.

    "shuffle" shows every training image once an epoch, in an order of its own each epoch; "sequential" keeps the
    order of the files and begins again at the end. Images that the data set holds out are never shown. Batches run
    across the ends of epochs, so they are full even where the data set is smaller than one. With `flip`, each image
    is mirrored with probability one half. Of `world` ranks, each reads its own slices of the one order.
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
            raise DataError(f"a batch of {batch} images cannot be made: give at least 1.")
        if not len(dataset.training):
            raise DataError(f"'{dataset.name}' is empty: a stream needs at least one image.")
        if order not in ("shuffle", "sequential"):
            raise DataError(f"'{order}' is not an order: choose 'shuffle' or 'sequential'.")
        if flip and dataset.images.ndim == 2:
            raise DataError(f"'{dataset.name}' is made of points, which cannot be mirrored: leave flip off.")
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
        """Batch `index`: float32 [B, C, H, W] in [-1, 1] with channels_last strides, or [B, 2] for a 2-D toy."""
        moved = self._to_device(torch.from_numpy(self.dataset.at(self._rows(index))))
        if self.flip:
            bits = random_bits(self.batch, seed=self.seed, key=index * self.world + self.rank, purpose=FLIP)
            mirrored = self._to_device(torch.from_numpy((bits & np.uint64(1)).astype(bool)))
            pictures = moved.permute(0, 3, 1, 2)  # the order in which mirroring is fast
            moved = torch.where(mirrored[:, None, None, None], pictures.flip(3), pictures).permute(0, 2, 3, 1)
        return moved if moved.ndim == 2 else to_float(moved)

    def labels(self, index: int) -> Tensor | None:
        """The labels of batch `index`, int64 [B]; None for a data set without labels."""
        if self.dataset.labels is None:
            return None
        return self._to_device(torch.from_numpy(self.dataset.labels[self._rows(index)]))

    def _rows(self, index: int) -> NDArray[Any]:
        """Which images batch `index` holds: positions in the endless order, epoch after epoch."""
        if index < 0:
            raise IndexError(f"batches are numbered from 0, not {index}")
        start = (index * self.world + self.rank) * self.batch
        parts: list[NDArray[Any]] = []
        place, end = start, start + self.batch
        while place < end:
            epoch, offset = divmod(place, len(self.dataset.training))
            parts.append(self._permutation(epoch)[offset : offset + end - place])
            place += len(parts[-1])
        return np.concatenate(parts)

    def _permutation(self, epoch: int) -> NDArray[Any]:
        """The order of one epoch. Only the latest is kept: batches come in order, and a border costs one sort."""
        # Read and replaced as one tuple, so that a thread that loads ahead never sees half of it.
        kept = self._epoch
        if kept is not None and (kept[0] == epoch or self.order == "sequential"):
            return kept[1]
        order = self.dataset.training
        if self.order == "shuffle":
            order = order[
                np.argsort(random_bits(len(order), seed=self.seed, key=epoch, purpose=SHUFFLE), kind="stable")
            ]
        self._epoch = (epoch, order)
        return order

    def _to_device(self, tensor: Tensor) -> Tensor:
        """Moved without waiting: from pinned memory the copy to a GPU runs beside the work on it."""
        if self.device.type == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)
