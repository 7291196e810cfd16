"""Seeds of a run's random numbers."""

from __future__ import annotations

import torch


def set_seed(seed: int, device: torch.device) -> None:
    """Set the seed of the random numbers of a device and of the CPU, as `torch.manual_seed` does.

    That function also asks accelerators that are not in use, which takes a tenth of a step of a small network.
    """
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


def step_seed(seed: int, step: int) -> int:
    """Return a 64-bit seed for one step: two rounds of splitmix64's mixing (Steele, Lea & Flood 2014)."""
    mask = (1 << 64) - 1
    mixed = (seed * 0x9E3779B97F4A7C15 + step + 1) & mask
    for _ in range(2):
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
        mixed ^= mixed >> 31
    return mixed
