"""Maps of tiles in kernels of our own (`kernels.cpp`): what PyTorch does in several passes over memory, in one.

They are compiled when ganache is installed, where there is a C++ compiler (`hatch_build.py`). Without them the same
maps are computed by PyTorch. They share PyTorch's threads.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from ganache.networks.tiles import Tiles

LANES = 16
"""Channels that are computed at a time."""


def fit(channels: int, dtype: torch.dtype) -> bool:
    """Whether there are kernels for such numbers on this CPU."""
    return dtype in (torch.float32, torch.bfloat16) and channels % LANES == 0 and library() is not None


def squared(x: Tensor, tiles: Tiles, matrix: Tensor) -> Tensor:
    """What square tiles see of x [B, C, H, W], with `matrix` [P, N] from both sides: [P * P, B * tiles, ways * C]."""
    x = x.contiguous(memory_format=torch.channels_last)
    (B, C), (P, N), ways = x.shape[:2], matrix.shape, tiles.stride**2
    parts = x.new_empty(P * P, B * tiles.counts[0] * tiles.counts[1], ways * C)
    _tiles(x, parts, x.shape, tiles, (P, N), matrix, back=False)
    return parts


def unsquared(parts: Tensor, tiles: Tiles, matrix: Tensor) -> Tensor:
    """The adjoint of `squared`."""
    P, N = matrix.shape
    shape = torch.Size((
        parts.shape[1] // (tiles.counts[0] * tiles.counts[1]), parts.shape[2] // tiles.stride**2, *tiles.sides
    ))  # fmt: skip
    x = torch.empty(shape, dtype=parts.dtype, memory_format=torch.channels_last)
    _tiles(parts.contiguous(), x, shape, tiles, (P, N), matrix, back=True)
    return x


class _Shape(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int) for name in ("B", "H", "W", "C", "U", "V", "step", "stride", "padding"))


def _tiles(
    given: Tensor, made: Tensor, shape: torch.Size, tiles: Tiles, sizes: tuple[int, int], matrix: Tensor, back: bool
) -> None:
    B, C, H, W = shape
    its = _Shape(B, H, W, C, *tiles.counts, tiles.step[0], tiles.stride, tiles.padding[0])
    half = given.dtype is torch.bfloat16
    numbers = matrix.float().contiguous()
    found = library()
    assert found is not None
    failed = found.tiles(half, *sizes, back, ctypes.byref(its), *(_at(each) for each in (numbers, given, made)))
    assert not failed, sizes


def _at(x: Tensor) -> ctypes.c_void_p:
    return ctypes.c_void_p(x.data_ptr())


@cache
def library() -> ctypes.CDLL | None:
    """The kernels for this processor, if they have been compiled."""
    level = torch.backends.cpu.get_cpu_capability().lower()
    if level == "avx512" and cpu_has("avx512_bf16"):
        level = "avx512_bf16"
    try:
        return ctypes.CDLL(str(Path(__file__).with_name(f"kernels-{level}.so")))
    except OSError:
        return None


def cpu_has(*abilities: str) -> bool:
    """Whether PyTorch, if it can tell, finds any of these in the processor."""
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(able.get(ability) for ability in abilities)
