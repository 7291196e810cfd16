"""Compiled kernels in C++: transforms of tiles, matrix products, batch norm, and layers of few channels.

The wheel for Linux contains them, and an installation from source compiles them where there is a C++ compiler
(`build.py`). Without them PyTorch's operations compute the same. They run on PyTorch's threads. It imports only
`fastconv.tiles`; only `fastconv` imports it, except that `training` asks `cpu_has` what the processor can do, and
`ganache --version` asks `processor` which kernels are loaded.
"""

from ganache.fastconv.kernels.batch_norm import BatchNorm, batch_norm, batch_norm_backward
from ganache.fastconv.kernels.loading import (
    VECTOR,
    cpu_has,
    has_fast_products,
    library,
    processor,
    supports,
    supports_channels,
)
from ganache.fastconv.kernels.matrices import bmm, supports_bmm
from ganache.fastconv.kernels.narrow_channels import (
    narrow_conv2d,
    narrow_conv_transpose2d,
    narrow_weight_gradient,
    supports_narrow,
)
from ganache.fastconv.kernels.tile_transforms import (
    RealDft,
    RealDftAxis,
    WinogradTransform,
    fold,
    transform,
    transform_adjoint,
    unfold,
)

__all__ = [
    "VECTOR",
    "BatchNorm",
    "RealDft",
    "RealDftAxis",
    "WinogradTransform",
    "batch_norm",
    "batch_norm_backward",
    "bmm",
    "cpu_has",
    "fold",
    "has_fast_products",
    "library",
    "narrow_conv2d",
    "narrow_conv_transpose2d",
    "narrow_weight_gradient",
    "processor",
    "supports",
    "supports_bmm",
    "supports_channels",
    "supports_narrow",
    "transform",
    "transform_adjoint",
    "unfold",
]
