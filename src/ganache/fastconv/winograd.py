"""Convolutions with kernels 4x4 and stride 2, and their transposes, in 25 of 64 multiplications; with 3x3 in 36 of 144.

The former are convolutions of 2x2 kernels over pairs of pixels. In one dimension the next four numbers that a kernel's
two pairs make take five products instead of eight: a product of polynomials is known from its values at as many points
as it has coefficients, and a convolution is the transpose of such a product (Toom 1963, Cook 1966; Winograd 1980,
"Arithmetic complexity of computations", F(4, 2); Lavin & Gray 2016, "Fast algorithms for convolutional neural
networks", nest it for two dimensions). So it is three linear maps around matrix products: of what a tile sees, of a
kernel, and from the products to the results. The transpose has the same maps backwards. Each map's derivative is its
adjoint and the other way round, so derivatives of any order have as few multiplications.

The points are free, and decide how much is lost to rounding: those below lose least of those searched. In bfloat16 a
layer's error is 0.8%, with kernels of 3x3 1.4%, where rounding its results alone makes 0.2%; with the points 0, 1, -1
and 2 it would be 1.9%, and 3.2%.

Shapes: B pictures, L channels at the large side, of H x W pixels, and S at the small side, of h x w.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from math import ceil

import torch
from torch import Tensor

from ganache.fastconv import kernels
from ganache.fastconv.linear_function import TiledMap, linear, mapped, products
from ganache.fastconv.tiles import Sides, Tiles

POINTS: dict[int, dict[int, tuple[float, ...]]] = {
    2: {2: (2 / 3, -2 / 3), 4: (3 / 8, -3 / 8, 5 / 4, -5 / 4)},
    3: {4: (2 / 3, -2 / 3, 3 / 2, -3 / 2, 0.0)},
}
"""By the kernel's taps in a dimension, pairs or single ones, and the results that are made together; the last point is
infinity."""
FEWEST_CHANNELS = {torch.bfloat16: 32, torch.float32: 48}
FEWEST_CHANNELS_OF_PYTORCH = 128
"""On each side, from which fewer products pay: each number of one is multiplied with all channels of the other. By our
kernels, and by PyTorch's operations."""
KERNEL = 32
"""Products that take as long as it takes to map a kernel and to read it."""


def conv2d(x: Tensor, weight: Tensor, padding: int = 1, stride: int = 2) -> Tensor:
    """F.conv2d(x [B, L, H, W], weight [S, L, k, k], stride=stride, padding=padding): 4 with stride 2, or 3 with 1."""
    (H, W), k = x.shape[2:], weight.shape[2]
    small = ((H + 2 * padding - k) // stride + 1, (W + 2 * padding - k) // stride + 1)
    of_places, of_taps, of_results = maps(len(x), (H, W), small, padding, stride)
    made = products(linear(x, of_places.there, of_places.back), mapped(weight, of_taps, x.dtype).mT)
    return linear(made, of_results.back, of_results.there)


def conv_transpose2d(x: Tensor, weight: Tensor, padding: int = 1) -> Tensor:
    """F.conv_transpose2d(x [B, S, h, w], weight [S, L, 4, 4], stride=2, padding=padding)."""
    h, w = x.shape[2:]
    large = (2 * h + 2 - 2 * padding, 2 * w + 2 - 2 * padding)
    of_places, of_taps, of_results = maps(len(x), large, (h, w), padding, 2)
    made = products(linear(x, of_results.there, of_results.back), mapped(weight, of_taps, x.dtype))
    return linear(made, of_places.back, of_places.there)


def pays(batch: int, weight: Sequence[int], small: Sequence[int], stride: int, dtype: torch.dtype) -> bool:
    """Whether on a CPU fewer products outweigh the maps, for a weight [S, L, k, k]."""
    if dtype not in FEWEST_CHANNELS or (weight[2], weight[3], stride) not in ((4, 4, 2), (3, 3, 1)):
        return False
    able = all(kernels.are_for(channels, dtype) for channels in weight[:2])
    if stride == 1 and not able:
        return False  # frequencies do as well
    fewest = FEWEST_CHANNELS[dtype] if able else FEWEST_CHANNELS_OF_PYTORCH
    (h, w), taps = small, weight[2] // stride
    fewer = min(cost(batch, (h, w), m, taps) for m in POINTS[taps]) < taps**2 * batch * h * w
    return fewer and min(weight[:2]) >= fewest


# ---- the maps -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Squared(TiledMap):
    """A matrix from both sides of what square tiles see."""

    matrix: Tensor
    """[P, N], float64."""
    tiles: Tiles

    def of_places(self, places: Tensor) -> Tensor:
        return self.both.to(places) @ places.flatten(0, 1)

    def of_products(self, parts: Tensor) -> Tensor:
        return self.both.t().to(parts) @ parts

    @cached_property
    def both(self) -> Tensor:
        return torch.kron(self.matrix, self.matrix)

    @cached_property
    def kernel(self) -> kernels.Squares:
        return kernels.Squares(self.matrix.float().contiguous())


@lru_cache(maxsize=256)
def maps(batch: int, large: Sides, small: Sides, padding: int, stride: int) -> tuple[Squared, Squared, Squared]:
    """Of the large side's places, of kernels, and of the small side's results, where it goes back."""
    taps = 2 if stride == 2 else 3
    m = min(POINTS[taps], key=lambda each: cost(batch, small, each, taps))
    of_places, of_taps, of_results = matrices(m, taps)
    counts = (ceil(small[0] / m), ceil(small[1] / m))
    n = m + taps - 1
    return (
        Squared(of_places, Tiles(large, counts, (n, n), (m, m), stride, (padding, padding))),
        Squared(of_taps, Tiles((stride * taps, stride * taps), (1, 1), (taps, taps), (taps, taps), stride)),
        Squared(of_results, Tiles(small, counts, (m, m), (m, m))),
    )


def cost(batch: int, small: Sides, m: int, taps: int) -> int:
    """What each two channels cost if results are made m by m: a product of each tile, and the kernel's own way."""
    tiles = batch * ceil(small[0] / m) * ceil(small[1] / m)
    return (m + taps - 1) ** 2 * (tiles + KERNEL)


@cache
def matrices(m: int, taps: int) -> tuple[Tensor, Tensor, Tensor]:
    """[P, P], [P, taps] and [P, m], with P = m + taps - 1.

    The transpose of a polynomial's product: its factors' values are multiplied, and interpolated to its coefficients.
    """
    points = POINTS[taps][m]
    interpolation, of_taps = torch.linalg.inv(values(points, m + taps - 1)).t(), values(points, taps)
    # Each product may be scaled if its factors are scaled back: the factors' largest numbers are made 1, so that no
    # product is far from all others.
    of_places, scaled = (each / each.abs().amax(1, keepdim=True) for each in (interpolation, of_taps))
    return of_places, scaled, values(points, m) * (interpolation.abs().amax(1) * of_taps.abs().amax(1))[:, None]


def values(points: Sequence[float], coefficients: int) -> Tensor:
    """[points and infinity, coefficients]: what each coefficient adds to a polynomial's value at each point."""
    powers = torch.tensor(points, dtype=torch.float64)[:, None] ** torch.arange(coefficients)
    at_infinity = torch.eye(coefficients, dtype=torch.float64)[-1:]
    return torch.cat([powers, at_infinity])
