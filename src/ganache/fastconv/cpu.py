"""What the processor and the compiled kernels can do: the facts that the choice of a form depends on."""

from __future__ import annotations

from ctypes import CDLL
from functools import cache
from typing import NamedTuple

import torch

from ganache.fastconv import kernels
from ganache.fastconv.kernels import loading


class Processor(NamedTuple):
    """Facts about this processor. They are part of a `Call`, so a test can pass other facts."""

    amx_bfloat16: bool
    """Whether the processor has AMX matrix units for bfloat16. Beside them additions, and so transforms, are slow."""
    kernels: bool
    """Whether the compiled kernels of this processor were found."""
    bfloat16_kernels: bool
    """Whether the kernels multiply bfloat16 numbers faster than PyTorch (AVX-512 with bfloat16, without AMX)."""


def processor() -> Processor:
    """Return the facts about the processor that runs this process."""
    return _facts(loading.library())


@cache
def _facts(library: CDLL | None) -> Processor:
    fast = library is not None and kernels.has_fast_products(torch.bfloat16)
    return Processor(kernels.cpu_has("amx_bf16"), library is not None, fast)
