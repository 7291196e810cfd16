"""The compiled kernels (`kernels.cpp`) of this processor, and what they are for."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from ganache.fastconv.kernels.version import version

LANES = 16
"""Channels that are computed at a time."""


def are_for(channels: int, dtype: torch.dtype) -> bool:
    """Whether there are kernels for such numbers on this CPU."""
    return dtype in (torch.float32, torch.bfloat16) and channels % LANES == 0 and library() is not None


def fit(x: Tensor, channels: int, dtype: torch.dtype | None = None) -> bool:
    """Whether there are kernels for it, that make numbers of this type, or of its own."""
    there = x.device.type == "cpu" and are_for(channels, x.dtype)
    return there and (dtype in (None, x.dtype) or {dtype, x.dtype} == {torch.float32, torch.bfloat16})


def multiplies(dtype: torch.dtype) -> bool:
    """Whether there are kernels for products of such numbers, and no faster matrix units."""
    half = dtype is torch.bfloat16
    return bool(loaded().has_products(half)) and not (half and cpu_has("amx_bf16"))


def loaded() -> ctypes.CDLL:
    found = library()
    assert found is not None  # as `fit` says
    return found


@cache
def library() -> ctypes.CDLL | None:
    """The kernels for this processor, if they have been compiled, and of the source as it is.

    The environment variable GANACHE_KERNELS=off hides them: the project's check uses it to test without kernels.
    """
    if os.environ.get("GANACHE_KERNELS") == "off":
        return None
    level = torch.backends.cpu.get_cpu_capability().lower()
    if level == "avx512" and cpu_has("avx512_bf16"):
        level = "avx512_bf16"
    folder = Path(__file__).parent
    try:
        for openmp in Path(torch.__file__).parent.glob("lib/libgomp*"):
            ctypes.CDLL(str(openmp), mode=ctypes.RTLD_GLOBAL)
        return ctypes.CDLL(str(folder / f"{level}-{version(folder)}.so"))
    except OSError:
        return None


def cpu_has(*abilities: str) -> bool:
    """Whether PyTorch, if it can tell, finds any of these in the processor."""
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(able.get(ability) for ability in abilities)


def is_half(x: Tensor) -> bool:
    return x.dtype is torch.bfloat16


def at(x: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if x is None else x.data_ptr())
