"""Batched matrix products (`matrices.h`)."""

from __future__ import annotations

import ctypes

import torch
from torch import Tensor

from ganache.fastconv.kernels.loading import (
    VECTOR,
    has_fast_products,
    is_bfloat16,
    loaded_library,
    pointer,
    supports_channels,
)

GAP = 32
"""Unused numbers between matrices. A transform writes the same place of all matrices; if their sizes were powers of
two, all these places would fall into one set of the cache."""


def supports_bmm(a: Tensor, b: Tensor) -> bool:
    """Return whether a kernel multiplies a [P, m, k] by b [P, k, n]."""
    if a.device.type != "cpu" or not supports_channels(b.shape[2], a.dtype) or not has_fast_products(a.dtype):
        return False
    return all(length is not None and length % VECTOR == 0 for length in (_row_length(a), _row_length(b)))


def bmm(a: Tensor, b: Tensor) -> Tensor:
    """Return a [P, m, k] @ b [P, k, n] -> [P, m, n], as torch.bmm."""
    P, m, k = a.shape
    n, transposed = b.shape[2], (a.stride(1) == 1, b.stride(2) == 1)
    c = empty_matrices(P, m, n, a.dtype)
    struct = _Matrices(P, m, n, k, *transposed, a.stride(0), b.stride(0), c.stride(0))
    loaded_library().batched_matmul(ctypes.byref(struct), is_bfloat16(a), pointer(a), pointer(b), pointer(c))
    return c


def empty_matrices(P: int, m: int, n: int, dtype: torch.dtype) -> Tensor:
    """Return memory for [P, m, n], with gaps between the matrices unless PyTorch will multiply them: it would copy
    matrices with gaps."""
    gap = GAP if has_fast_products(dtype) else 0
    return torch.empty(P, m * n + gap, dtype=dtype)[:, : m * n].view(P, m, n)


class _Matrices(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("P", "m", "n", "k", "a_across", "b_across")),
        *((name, ctypes.c_ssize_t) for name in ("a_next", "b_next", "c_next")),
    )


def _row_length(x: Tensor) -> int | None:
    """Return the length of a row in memory, if each matrix is dense; of a column if those are the rows in memory."""
    _, rows, columns = x.shape
    return {(columns, 1): columns, (1, rows): rows}.get((x.stride(1), x.stride(2)))
