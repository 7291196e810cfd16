"""Convolutions with kernels 4x4 and stride 2, and their transposes, in 25 of 64 multiplications.

Such a convolution is one of 2x2 kernels over pairs of pixels. In one dimension the next four numbers that a kernel's
two pairs make take five products instead of eight: a product of polynomials is known from its values at as many points
as it has coefficients, and a convolution is the transpose of such a product (Toom 1963, Cook 1966; Winograd 1980,
"Arithmetic complexity of computations", F(4, 2); Lavin & Gray 2016, "Fast algorithms for convolutional neural
networks", nest it for two dimensions). So it is three linear maps around matrix products: of what a tile sees, of a
kernel, and from the products to the results. The transpose has the same maps backwards. Each map's derivative is its
adjoint and the other way round, so derivatives of any order have as few multiplications.

The points are free, and decide how much is lost to rounding: those below lose least of those searched. In bfloat16 a
layer's error is 0.8%, where rounding its results alone makes 0.2%; with the points 0, 1, -1 and 2 it would be 1.9%.

Shapes: B pictures, L channels at the large side, of H x W pixels, and S at the small side, of h x w.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from math import ceil

import torch
from torch import Tensor

from ganache.networks import kernels
from ganache.networks.linear import linear, products
from ganache.networks.tiles import Sides, Tiles

POINTS = {2: (2 / 3, -2 / 3), 4: (3 / 8, -3 / 8, 5 / 4, -5 / 4)}
"""By the results that are made together in a dimension; the last point is infinity."""
TAPS = 2
FEWEST_CHANNELS = {torch.bfloat16: 32, torch.float32: 48}
FEWEST_CHANNELS_OF_PYTORCH = 128
"""On each side, from which fewer products pay: each number of one is multiplied with all channels of the other. By our
kernels, and by PyTorch's operations."""
KERNEL = 64
"""Products that take as long as it takes to map a kernel and to read it."""


def conv2d(x: Tensor, weight: Tensor, padding: int = 1) -> Tensor:
    """F.conv2d(x [B, L, H, W], weight [S, L, 4, 4], stride=2, padding=padding)."""
    small = (small_side(x.shape[2], padding), small_side(x.shape[3], padding))
    of_places, of_taps, of_results = maps(len(x), (x.shape[2], x.shape[3]), small, padding)
    made = products(linear(x, of_places.there, of_places.back), linear(weight, of_taps.there, of_taps.back))
    return linear(made, of_results.back, of_results.there)


def conv_transpose2d(x: Tensor, weight: Tensor, padding: int = 1) -> Tensor:
    """F.conv_transpose2d(x [B, S, h, w], weight [S, L, 4, 4], stride=2, padding=padding)."""
    h, w = x.shape[2:]
    of_places, of_taps, of_results = maps(len(x), (2 * h + 2 - 2 * padding, 2 * w + 2 - 2 * padding), (h, w), padding)
    made = torch.bmm(linear(x, of_results.there, of_results.back), linear(weight, of_taps.there, of_taps.back))
    return linear(made, of_places.back, of_places.there)


def small_side(large: int, padding: int) -> int:
    return (large + 2 * padding - 4) // 2 + 1


def pays(batch: int, weight: Sequence[int], small: Sequence[int], dtype: torch.dtype) -> bool:
    """Whether on a CPU fewer products outweigh the maps, for a weight [S, L, 4, 4]."""
    if dtype not in FEWEST_CHANNELS:
        return False
    able = all(kernels.are_for(channels, dtype) for channels in weight[:2])
    fewest = FEWEST_CHANNELS[dtype] if able else FEWEST_CHANNELS_OF_PYTORCH
    h, w = small
    return min(weight[:2]) >= fewest and min(cost(batch, (h, w), m) for m in POINTS) < TAPS**2 * batch * h * w


# ---- the maps -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Squared:
    """From what square tiles see of pictures to what is multiplied: a matrix from both sides."""

    matrix: Tensor
    """[P, N], float64."""
    tiles: Tiles

    def there(self, x: Tensor) -> Tensor:
        """x [B, C, *sides] -> [P * P, B * tiles, ways * C]."""
        if kernels.fit(x, x.shape[1]):
            return kernels.squared(x, self.tiles, self.kernel)
        parts = self.tiles.cut(x).flatten(0, 1)
        return (self.both.to(x) @ parts.flatten(1)).view(-1, *parts.shape[1:])

    def back(self, parts: Tensor) -> Tensor:
        """The adjoint of `there`."""
        if kernels.fit(parts, parts.shape[2] // self.tiles.stride**2):
            return kernels.unsquared(parts, self.tiles, self.kernel)
        seen = self.both.t().to(parts) @ parts.flatten(1)
        return self.tiles.pasted(seen.view(*self.tiles.seen, *parts.shape[1:]))

    @cached_property
    def both(self) -> Tensor:
        return torch.kron(self.matrix, self.matrix)

    @cached_property
    def kernel(self) -> Tensor:
        return self.matrix.float().contiguous()


@lru_cache(maxsize=256)
def maps(batch: int, large: Sides, small: Sides, padding: int) -> tuple[Squared, Squared, Squared]:
    """Of the large side's places, of kernels, and of the small side's results, where it goes back."""
    m = min(POINTS, key=lambda each: cost(batch, small, each))
    of_places, of_taps, of_results = matrices(m)
    counts = (ceil(small[0] / m), ceil(small[1] / m))
    n = m + TAPS - 1
    return (
        Squared(of_places, Tiles(large, counts, (n, n), (m, m), stride=2, padding=(padding, padding))),
        Squared(of_taps, Tiles((4, 4), (1, 1), (TAPS, TAPS), (TAPS, TAPS), stride=2)),
        Squared(of_results, Tiles(small, counts, (m, m), (m, m))),
    )


def cost(batch: int, small: Sides, m: int) -> int:
    """What each two channels cost if results are made m by m: a product of each tile, and the kernel's own way."""
    tiles = batch * ceil(small[0] / m) * ceil(small[1] / m)
    return (m + TAPS - 1) ** 2 * (tiles + KERNEL)


@cache
def matrices(m: int) -> tuple[Tensor, Tensor, Tensor]:
    """[P, m + 1], [P, 2] and [P, m], with P = m + 1.

    The transpose of a polynomial's product: its factors' values are multiplied, and interpolated to its coefficients.
    """
    n = m + TAPS - 1
    interpolation = torch.linalg.inv(values(m, n)).t()
    # Each product may be scaled if its factors are scaled back: the factors' largest numbers are made 1, so that no
    # product is far from all others.
    of_places, of_taps = (each / each.abs().amax(1, keepdim=True) for each in (interpolation, values(m, TAPS)))
    scale = interpolation.abs().amax(1) * values(m, TAPS).abs().amax(1)
    return of_places, of_taps, values(m, m) * scale[:, None]


def values(m: int, coefficients: int) -> Tensor:
    """[points, coefficients]: what each coefficient adds to a polynomial's value at each point."""
    powers = torch.tensor(POINTS[m], dtype=torch.float64)[:, None] ** torch.arange(coefficients)
    at_infinity = torch.eye(coefficients, dtype=torch.float64)[-1:]
    return torch.cat([powers, at_infinity])
