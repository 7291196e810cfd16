"""The vocabulary of the choice: `Call` is what is known about one call of a layer, `Form` is one way to compute it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

from ganache.fastconv.cpu import Processor

Ints = tuple[int, ...]

NARROW_CHANNELS = 4
"""The most channels that an image side of a "narrow" layer has (an RGB image has 3)."""
WIDE_CHANNELS = 16
"""The fewest channels of the other side of a narrow layer, and of layers whose channels are worth a matrix product."""
FEWEST_PIXELS = 2**14
"""Pixels of a whole batch from which a DFT pays: transforming the kernel takes as long for one image as for many."""


class Call(NamedTuple):
    """What is known about one call of a layer. The choice of a form depends on nothing else, so it can be cached.

    A weight's shape is [S, L, kh, kw] for a convolution and for a transposed one: S are the channels of the side with
    the smaller images (a convolution's output), L those of the side with the larger images.
    """

    operation: str
    """conv2d, conv_transpose2d, conv4x4, conv_transpose4x4, upsample_conv2d or batch_norm."""
    input: Ints
    """Shape of the input [B, C, H, W]."""
    weight: Ints
    stride: Ints
    padding: Ints
    regular: bool
    """Whether nothing unusual was asked for: zero padding given as numbers, no groups, no dilation, no output padding;
    for batch norm: training, with an affine float32 weight and running statistics."""
    dtype: torch.dtype
    """The number format of the products: bfloat16 under autocast, else the input's."""
    device: str
    autocast: bool
    """Whether autocast to bfloat16 is on for the CPU."""
    compiling: bool
    """Whether PyTorch is exporting or compiling. What is exported consists of plain layers."""
    input_gradient: bool
    """Whether the input requires a gradient."""
    weight_gradient: bool
    """Whether autograd is on and all parameters of the layer require a gradient. Only looked up under autocast, where
    one form depends on it."""
    processor: Processor
    batch_groups: int = 1
    """For batch norm: how many batches, each with statistics of its own, are joined in the input."""

    @property
    def on_cpu(self) -> bool:
        """Whether the call runs eagerly on a CPU. Nearly every form needs this."""
        return self.device == "cpu" and not self.compiling

    @property
    def on_matrix_units(self) -> bool:
        """Whether AMX takes the products. They then cost less than the additions of a transform."""
        return self.autocast and self.processor.amx_bfloat16

    @property
    def has_kernels(self) -> bool:
        """Whether the compiled kernels take this number format."""
        return self.processor.kernels and self.dtype in (torch.float32, torch.bfloat16)

    @property
    def transposed(self) -> bool:
        return self.operation.startswith("conv_transpose")

    @property
    def output_sides(self) -> Ints:
        """Height and width of the output."""
        sides, kernel = self.input[2:], self.weight[2:]
        if self.operation == "batch_norm":
            return sides
        if self.operation == "upsample_conv2d":
            return tuple(2 * side for side in sides)
        each = zip(sides, kernel, self.stride, self.padding, strict=True)
        if self.transposed:
            return tuple((side - 1) * step + k - 2 * pad for side, k, step, pad in each)
        return tuple((side + 2 * pad - k) // step + 1 for side, k, step, pad in each)

    @property
    def small_sides(self) -> Ints:
        """Height and width of the smaller images: a convolution's output, a transposed convolution's input."""
        return self.input[2:] if self.transposed else self.output_sides

    @property
    def large_sides(self) -> Ints:
        return self.output_sides if self.transposed else self.input[2:]

    @property
    def multiplications(self) -> int | None:
        """Multiplications of the layer as it is written; None for batch norm and for unusual layers."""
        if self.operation == "batch_norm" or not self.regular:
            return None
        sides = self.small_sides if self.operation != "upsample_conv2d" else self.output_sides
        return self.input[0] * prod(sides) * prod(self.weight)

    @property
    def is_narrow(self) -> bool:
        """Whether this 4x4 layer halves or doubles an image of at most four channels."""
        shape = (*self.weight[2:], *self.stride, *self.padding) == (4, 4, 2, 2, 1, 1)
        channels = self.weight[1] <= NARROW_CHANNELS and self.weight[0] >= WIDE_CHANNELS
        return shape and channels and not any(side % 2 for side in self.large_sides)

    @property
    def keeps_sides(self) -> bool:
        """Whether this is a convolution of stride 1 with an odd kernel and its "same" padding."""
        odd = all(k % 2 and pad == k // 2 for k, pad in zip(self.weight[2:], self.padding, strict=True))
        return odd and set(self.stride) == {1}


def as_written(call: Call) -> int | None:
    return call.multiplications


@dataclass(frozen=True)
class Form:
    """One way to compute a layer.

    Compute takes (call, x, weight) for convolutions, where x has the number format of the products, and returns the
    output without the bias. `layers.py` shows what the forms of `UpsampleConv2d` and `BatchNorm2d` are given.
    """

    name: str
    supports: Callable[[Call], bool]
    """Whether the form computes this call correctly."""
    pays: Callable[[Call], bool]
    """Whether it is faster than PyTorch's operation here. Only asked where `supports` is true."""
    compute: Callable[..., Tensor]
    reason: str
    """Why it pays, as one clause for `explain`."""
    fused: Callable[..., Tensor] | None = None
    """(call, x, weight, slope): the same, followed by a leaky ReLU, for a convolution without bias; None if the form
    cannot fuse the activation."""
    multiplications: Callable[[Call], int | None] = as_written
    """Multiplications that the form makes for the output, without those of its transforms."""


class Choice(NamedTuple):
    """The form chosen for a call; `form` is None for PyTorch's own operation."""

    form: Form | None
    reason: str
    call: Call
