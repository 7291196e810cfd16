"""The same bits from the first call of a function as from every later one.

PyTorch computes `tanh`, `exp` and other functions with the vector functions of MKL, which initialise themselves in
their first call. If two threads make that call at once, one of them may get a less accurate version: in 1 of 100 to 500
processes on a busy machine, half of the first images of a generator differed by up to 4e-5.
"""

from __future__ import annotations

import torch

FUNCTIONS = (
    torch.tanh, torch.exp, torch.expm1, torch.log, torch.log1p, torch.sqrt, torch.sin, torch.cos, torch.erf,
)  # fmt: skip


def initialise_vector_math() -> None:
    """Call each function once with one number, for which PyTorch uses one thread."""
    for dtype in (torch.float32, torch.float64):
        for function in FUNCTIONS:
            function(torch.ones(1, dtype=dtype))
