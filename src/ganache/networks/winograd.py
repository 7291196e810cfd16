"""Convolutions with kernels 4x4, stride 2 and padding 1, and their transposes, in 9/16 of the multiplications.

Such a convolution is one of 2x2 kernels over pairs of pixels. In one dimension, with three pairs p0, p1, p2 and the
kernel's two pairs k0, k1, its next two numbers take three products instead of four (Winograd 1980, "Arithmetic
complexity of computations", F(2, 2); Lavin & Gray 2016, "Fast algorithms for convolutional neural networks", nest it
for two dimensions, where 9 stand for 16):

    p0 k0 + p1 k1 = (p0 - p1) k0 + p1 (k0 + k1)
    p1 k0 + p2 k1 = p1 (k0 + k1) + (p2 - p1) k1

So it is three linear maps around nine matrix products: `differences` of pixels, `sums` of kernels, `joined` products.
The transpose has the same maps backwards. Each map's derivative is its adjoint and the other way round, so derivatives
of any order have as few multiplications. The maps only add: rounded to bfloat16 in between, a layer's error is 0.7%,
where rounding its results alone makes 0.2%.

Shapes: B pictures, L channels at the large side, of H x W pixels, and S at the small side, of H/2 x W/2.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ganache.networks.linear import linear


def conv2d(x: Tensor, weight: Tensor) -> Tensor:
    """F.conv2d(x [B, L, H, W], weight [S, L, 4, 4], stride=2, padding=1), with H and W multiples of 4."""
    parts, kernels = linear(x, differences, overlapped), linear(weight, sums, unsummed)
    products = _product(parts.flatten(5).flatten(2, 4).flatten(0, 1), kernels.flatten(3).flatten(0, 1))
    return linear(products.view(*parts.shape[:5], -1), joined, spread)


def conv_transpose2d(x: Tensor, weight: Tensor) -> Tensor:
    """F.conv_transpose2d(x [B, S, h, w], weight [S, L, 4, 4], stride=2, padding=1), with h and w multiples of 2."""
    parts, kernels = linear(x, spread, joined), linear(weight, sums, unsummed)
    products = torch.bmm(parts.flatten(2, 4).flatten(0, 1), kernels.flatten(3).flatten(0, 1))
    return linear(products.view(*parts.shape[:5], 2, -1), overlapped, differences)


# ---- the maps and their adjoints -----------------------------------------------------------------------------------


def differences(x: Tensor) -> Tensor:
    """x [B, L, H, W] -> what the kernels are multiplied with, [3, 3, B, H/4, W/4, 2, 2L]."""
    B, L, H, W = x.shape
    padded = F.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    rows = _differences(padded.reshape(B, H // 2 + 1, 2, W // 2 + 1, 2 * L), 1)  # [3, B, H/4, 2, W/2 + 1, 2L]
    return _differences(rows.transpose(3, 4), 3)


def overlapped(parts: Tensor) -> Tensor:
    """The adjoint of `differences`: [3, 3, B, H/4, W/4, 2, 2L] -> [B, L, H, W]."""
    rows = _overlapped(parts, 3).transpose(3, 4)  # [3, B, H/4, 2, W/2 + 1, 2L]
    pairs = _overlapped(rows, 1)  # [B, H/2 + 1, 2, W/2 + 1, 2L]
    B, H, _, W, L = pairs.shape
    padded = pairs.view(B, 2 * H, 2 * W, L // 2).permute(0, 3, 1, 2)
    return padded[:, :, 1:-1, 1:-1].contiguous(memory_format=torch.channels_last)


def sums(weight: Tensor) -> Tensor:
    """weight [S, L, 4, 4] -> [3, 3, S, 2, 2L]."""
    return _sums(_sums(_pairs(weight), 1), 3).flatten(4)


def unsummed(kernels: Tensor) -> Tensor:
    """The adjoint of `sums`: [3, 3, S, 2, 2L] -> [S, L, 4, 4]."""
    S, L = kernels.shape[2], kernels.shape[4] // 2
    weight = _new(kernels, S, L, 4, 4)
    _joined(_joined(kernels.view(3, 3, S, 2, 2, L), 3), 1, _pairs(weight))
    return weight


def spread(y: Tensor) -> Tensor:
    """The adjoint of `joined`: [B, S, h, w] -> [3, 3, B, h/2, w/2, S]."""
    return _sums(_sums(_pairs(y), 2), 4)


def joined(products: Tensor) -> Tensor:
    """[3, 3, B, h/2, w/2, S] -> [B, S, h, w]."""
    rows = _joined(products, 4)  # [3, B, h/2, w/2, 2, S]
    y = _new(rows, rows.shape[1], rows.shape[5], 2 * rows.shape[2], 2 * rows.shape[3])
    _joined(rows, 2, _pairs(y))
    return y


# ---- in one dimension ----------------------------------------------------------------------------------------------


def _differences(x: Tensor, dim: int) -> Tensor:
    """2n + 1 pairs at `dim` -> [3, ..., n, ...]: of each three, which overlap at the ends, p0 - p1, p1, p2 - p1."""
    ends, middles = _alternating(x, dim)
    n = middles.shape[dim]
    parts = x.new_empty(3, *middles.shape)
    torch.sub(ends.narrow(dim, 0, n), middles, out=parts[0])
    parts[1].copy_(middles)
    torch.sub(ends.narrow(dim, 1, n), middles, out=parts[2])
    return parts


def _overlapped(parts: Tensor, dim: int) -> Tensor:
    """The adjoint of `_differences`."""
    first, middle, last = parts
    n = middle.shape[dim]
    x = parts.new_empty(*middle.shape[:dim], 2 * n + 1, *middle.shape[dim + 1 :])
    ends, middles = _alternating(x, dim)
    ends.select(dim, 0).copy_(first.select(dim, 0))
    torch.add(first.narrow(dim, 1, n - 1), last.narrow(dim, 0, n - 1), out=ends.narrow(dim, 1, n - 1))
    ends.select(dim, n).copy_(last.select(dim, n - 1))
    torch.sub(middle, first, out=middles).sub_(last)
    return x


def _sums(x: Tensor, dim: int) -> Tensor:
    """2 at `dim` -> [3, ...]: k0, k0 + k1, k1."""
    first, last = x.unbind(dim)
    parts = x.new_empty(3, *first.shape)
    parts[0].copy_(first)
    torch.add(first, last, out=parts[1])
    parts[2].copy_(last)
    return parts


def _joined(parts: Tensor, dim: int, x: Tensor | None = None) -> Tensor:
    """The adjoint of `_sums`: [3, ...] -> 2 at `dim`; into `x`, if given."""
    if x is None:
        x = parts.new_empty(*parts.shape[1 : dim + 1], 2, *parts.shape[dim + 1 :])
    torch.add(parts[0], parts[1], out=x.select(dim, 0))
    torch.add(parts[1], parts[2], out=x.select(dim, 1))
    return x


def _pairs(x: Tensor) -> Tensor:
    """[N, C, h, w] -> [N, h/2, 2, w/2, 2, C], a view."""
    N, C, h, w = x.shape
    return x.permute(0, 2, 3, 1).view(N, h // 2, 2, w // 2, 2, C)


def _new(like: Tensor, *shape: int) -> Tensor:
    """Empty, its channels last in memory: a tensor of its own and no view, as activations write into it."""
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)


def _alternating(x: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """The even places along `dim` and the odd ones."""
    before = (slice(None),) * dim
    return x[*before, 0::2], x[*before, 1::2]


# ---- derivatives ---------------------------------------------------------------------------------------------------


def _product(a: Tensor, b: Tensor) -> Tensor:
    """a [9, m, k], b [9, n, k] -> [9, m, n]; PyTorch's own would leave b's gradient transposed, slow to read."""
    y: Tensor = _Product.apply(a, b)  # type: ignore[no-untyped-call]
    return y


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return torch.bmm(a, b.transpose(1, 2))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (a, b), (g,) = ctx.saved_tensors, gradients
        by_a = torch.bmm(g, b) if ctx.needs_input_grad[0] else None
        by_b = torch.bmm(g.transpose(1, 2), a) if ctx.needs_input_grad[1] else None
        return by_a, by_b
