"""Products of matrices (`matrices.h`)."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from ganache.fastconv.kernels.loading import LANES, are_for, at, is_half, loaded, multiplies

GAP = 32
"""Numbers between matrices: a map writes and reads all at the same place, and with sizes that are powers of two all
would lie in one set of the cache."""


def can_multiply(a: Tensor, b: Tensor) -> bool:
    """Whether there is a kernel for the products of a [P, m, k] and b [P, k, n]."""
    if a.device.type != "cpu" or not are_for(b.shape[2], a.dtype) or not multiplies(a.dtype):
        return False
    return all(its is not None and its % LANES == 0 for its in (_along(a), _along(b)))


def multiplied(a: Tensor, b: Tensor) -> Tensor:
    """a [P, m, k] and b [P, k, n] -> [P, m, n], as torch.bmm."""
    P, m, k = a.shape
    n, across = b.shape[2], (a.stride(1) == 1, b.stride(2) == 1)
    c = matrices(P, m, n, a.dtype)
    its = _Matrices(P, m, n, k, *across, a.stride(0), b.stride(0), c.stride(0))
    loaded().products(ctypes.byref(its), is_half(a), at(a), at(b), at(c))
    return c


def matrices(P: int, m: int, n: int, dtype: torch.dtype) -> Tensor:
    """Room for [P, m, n], with gaps between, unless PyTorch multiplies them, which would copy such."""
    gap = GAP if multiplies(dtype) else 0
    return torch.empty(P, m * n + gap, dtype=dtype)[:, : m * n].view(P, m, n)


class _Matrices(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("P", "m", "n", "k", "a_across", "b_across")),
        *((name, ctypes.c_ssize_t) for name in ("a_next", "b_next", "c_next")),
    )


def _along(x: Tensor) -> int | None:
    """How long rows are in matrices that have no gaps between them, or columns where those are rows in memory."""
    _, rows, columns = x.shape
    return {(columns, 1): columns, (1, rows): rows}.get((x.stride(1), x.stride(2)))
