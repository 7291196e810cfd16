"""Convolutions, transposed convolutions and batch norm that are fast on a CPU, with PyTorch's as the fallback.

README.md in this folder explains each form, when it is chosen, how to see the choice (`explain`) and how to switch all
forms off (`use`). It imports nothing else of ganache. `networks` imports the layers, and `training` asks it what the
processor can do.
"""

from ganache.fastconv.check import Report, check
from ganache.fastconv.explain import Explanation, Row, explain
from ganache.fastconv.fused import FusedSequential
from ganache.fastconv.layers import BatchNorm2d, Conv2d, ConvTranspose2d, UpsampleConv2d, conv4x4, conv_transpose4x4
from ganache.fastconv.switch import use

__all__ = [
    "BatchNorm2d",
    "Conv2d",
    "ConvTranspose2d",
    "Explanation",
    "FusedSequential",
    "Report",
    "Row",
    "UpsampleConv2d",
    "check",
    "conv4x4",
    "conv_transpose4x4",
    "explain",
    "use",
]
