"""Kernels of our own, in C++: maps of tiles, products, batch norm, layers of few channels.

They are compiled when ganache is installed, where there is a C++ compiler (`hatch_build.py`). Without them PyTorch
computes the same. They share PyTorch's threads.
"""

from ganache.fastconv.kernels.batch_norm import Norm, normed, normed_back
from ganache.fastconv.kernels.loading import LANES, are_for, cpu_has, fit, library, multiplies
from ganache.fastconv.kernels.matrices import can_multiply, multiplied
from ganache.fastconv.kernels.narrow_channels import few_large, few_small, few_weight, have_few
from ganache.fastconv.kernels.tile_transforms import Frequencies, Squares, Waves, folded, mapped, unfolded, unmapped

__all__ = [
    "LANES",
    "Frequencies",
    "Norm",
    "Squares",
    "Waves",
    "are_for",
    "can_multiply",
    "cpu_has",
    "few_large",
    "few_small",
    "few_weight",
    "fit",
    "folded",
    "have_few",
    "library",
    "mapped",
    "multiplied",
    "multiplies",
    "normed",
    "normed_back",
    "unfolded",
    "unmapped",
]
