"""The most that this machine can do: arithmetic in float32 and bfloat16, and memory copies.

    python bench/ceilings.py

Each figure is the best of several tries: a ceiling, not a typical value.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import torch
from torch.nn.functional import conv2d

SHAPES = ((64, 128, 32), (128, 256, 16), (256, 512, 8))
"""(input channels, output channels, side) of the three 4x4 stride-2 convolutions with most of `dcgan`'s arithmetic."""


CALLS_ON_A_GPU = 20
"""Calls per try on a GPU: a single call would end before the next one is launched."""


def best_seconds(function: Callable[[], object], device: str = "cpu", tries: int = 9) -> float:
    """Return the seconds per call: the fastest of several tries, after one that is not counted."""
    calls = 1 if device == "cpu" else CALLS_ON_A_GPU
    times = []
    for _ in range(tries + 1):
        wait_for(device)
        begin = time.perf_counter()
        for _ in range(calls):
            function()
        wait_for(device)
        times.append((time.perf_counter() - begin) / calls)
    return min(times[1:])


def wait_for(device: str) -> None:
    """Wait until the GPU has finished its work."""
    if device == "cuda":
        torch.cuda.synchronize()


def matrix_product(dtype: torch.dtype, n: int = 1536, device: str = "cpu") -> float:
    """Return the FLOP/s of an n x n matrix product."""
    a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
    return 2 * n**3 / best_seconds(lambda: a @ b, device)


def convolution(dtype: torch.dtype, batch: int = 64, device: str = "cpu") -> float:
    """Return the FLOP/s of the fastest of `dcgan`'s convolutions: forward pass, channels last."""
    rates = []
    for narrow, wide, side in SHAPES:
        x = torch.randn(batch, narrow, side, side, device=device).to(dtype, memory_format=torch.channels_last)
        w = torch.randn(wide, narrow, 4, 4, device=device).to(dtype, memory_format=torch.channels_last)
        flop = 2 * batch * narrow * wide * 16 * (side // 2) ** 2
        rates.append(flop / best_seconds(partial(conv2d, x, w, stride=2, padding=1), device))
    return max(rates)


def memory_copy(megabytes: int = 64, device: str = "cpu") -> float:
    """Return the bytes/s that a copy reads and writes, if it is too large for the caches."""
    source = torch.randn(megabytes * 2**18, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / best_seconds(lambda: target.copy_(source), device)


def main() -> None:
    print(f"{torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}")
    for dtype in (torch.float32, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        print(f"matrix product  {name:8}  {matrix_product(dtype) / 1e9:7.0f} GFLOP/s")
        print(f"convolution     {name:8}  {convolution(dtype) / 1e9:7.0f} GFLOP/s")
    print(f"memory copy               {memory_copy() / 1e9:7.1f} GB/s")


if __name__ == "__main__":
    main()
