"""Convolutions with stride 1 by frequencies: for kernels of 5x5 a tenth of the multiplications.

A convolution is a product of frequencies (the convolution theorem); of real numbers there are half as many, complex
ones, as places; and a product of two complex numbers takes three real ones (Gauss). So a convolution is three linear
maps of real numbers around products: of places, of a kernel's taps, and from the products to the results. With channels
each product is one of matrices (Zlateski et al. 2018, "FFT convolutions are faster than Winograd on modern CPUs, here's
why", call it Gauss-FFT). Pictures are cut into small tiles, as each frequency is of all places; at that length matrix
products are faster than an FFT.

Each map's derivative is its adjoint and the other way round, so derivatives of any order have as few multiplications.
Rounded to bfloat16 in between, a layer's error is 0.8%, where rounding its input and its weights makes 0.3%.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, pi

import torch
from torch import Tensor

from ganache.networks.linear import linear
from ganache.networks.tiles import Sides, Tiles

TILE = 16
"""Results along a side of a tile, at most: with fewer each takes more products, with more the maps are longer."""


def conv2d(x: Tensor, weight: Tensor) -> Tensor:
    """F.conv2d(x [B, C, H, W], weight [O, C, kh, kw], padding="same"), of odd kernels."""
    sides, kernel = (x.shape[2], x.shape[3]), (weight.shape[2], weight.shape[3])
    places, results = tiled(sides, kernel)
    seen = [range(-pad, n - pad) for n, pad in zip(places.seen, places.padding, strict=True)]
    maps = correlation(places.seen, kernel, (seen[0], seen[1]), (range(results.seen[0]), range(results.seen[1])))
    y = correlated(linear(x, places.cut, places.pasted), weight, maps)
    return linear(y, results.pasted, results.cut)


def tiled(sides: Sides, kernel: Sides) -> tuple[Tiles, Tiles]:
    """What tiles see for results as large as the picture, and those results."""
    (H, W), (kh, kw) = sides, kernel
    counts = (ceil(H / TILE), ceil(W / TILE))
    h, w = step = (ceil(H / counts[0]), ceil(W / counts[1]))
    places = Tiles(sides, counts, (h + kh - 1, w + kw - 1), step, padding=(kh // 2, kw // 2))
    return places, Tiles(sides, counts, step, step)


def correlated(x: Tensor, weight: Tensor, maps: Maps) -> Tensor:
    """Places x [n, m, B, C] and weight [O, C, kh, kw] -> results [h, w, B, O], by the three maps of a correlation."""
    of_places, of_taps, of_results = maps
    B, C, outputs = x.shape[2], x.shape[3], len(weight)
    seen = linear(x.flatten(2), of_places.there, of_places.back)
    kernels = linear(weight.permute(2, 3, 1, 0).flatten(2), of_taps.there, of_taps.back)
    mixed = torch.bmm(seen.view(-1, B, C), kernels.view(-1, C, outputs))
    y = linear(mixed.flatten(1), of_results.back, of_results.there)
    return y.view(*y.shape[:2], B, outputs)


# ---- a map ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waves:
    """From numbers in rows and columns to what is multiplied: three numbers for each complex frequency, and each real
    one itself."""

    reals: int
    """Real frequencies of a column: the lowest and, where the circle is even, the highest."""
    down: Tensor
    """[real frequencies, then two parts of each complex one; n]: of a column of n numbers."""
    across: Tensor
    """[products, m]: of a row of m real numbers."""
    across_complex: Tensor
    """[products, 2m]: of a row of m complex numbers, all real parts first."""

    def there(self, x: Tensor) -> Tensor:
        """x [n, m, K] -> [products, K]."""
        its = self.like(x)
        rows = (its.down @ x.flatten(1)).view(-1, *x.shape[1:])
        y = x.new_empty(len(self), x.shape[2])
        for across, of_rows, of_products in its.halves(rows, y):
            torch.bmm(across.expand(len(of_rows), -1, -1), of_rows, out=of_products)
        return y

    def back(self, y: Tensor) -> Tensor:
        """The adjoint of `there`: [products, K] -> [n, m, K]."""
        its = self.like(y)
        rows = y.new_empty(len(self.down), self.across.shape[1], y.shape[1])
        for across, of_rows, of_products in its.halves(rows, y):
            torch.bmm(across.t().expand(len(of_rows), -1, -1), of_products, out=of_rows)
        return (its.down.t() @ rows.flatten(1)).view(-1, *rows.shape[1:])

    def halves(self, rows: Tensor, y: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Of a column's real frequencies and then of its complex ones: the matrix, its rows, its products."""
        (_, m, K), split = rows.shape, self.reals * len(self.across)
        yield self.across, rows[: self.reals], y[:split].view(-1, len(self.across), K)
        complexes = y[split:].view(-1, len(self.across_complex), K)
        yield self.across_complex, rows[self.reals :].view(-1, 2 * m, K), complexes

    def after(self, down: Tensor, across: Tensor) -> Waves:
        """Of what `down` [n, h] and `across` [m, w] make of h numbers by w."""
        of_parts = (self.across_complex.view(-1, 2, len(across)) @ across).flatten(1)
        return Waves(self.reals, self.down @ down, self.across @ across, of_parts)

    def like(self, x: Tensor) -> Waves:
        return Waves(self.reals, *(each.to(x) for each in (self.down, self.across, self.across_complex)))

    def __len__(self) -> int:
        """How many are multiplied."""
        complexes = (len(self.down) - self.reals) // 2
        return self.reals * len(self.across) + complexes * len(self.across_complex)


Maps = tuple[Waves, Waves, Waves]
"""Of places, of taps, and of results, where it goes back."""


# ---- the maps of a correlation -------------------------------------------------------------------------------------

# The three products of (a + ib)(c + id) = [c (a + b) - b (c + d)] + i [c (a + b) + a (d - c)]: their factors made of a
# and b, their factors made of c and d, and what each is in the two parts.
OF_PLACES = ((1, 1), (1, 0), (0, 1))
OF_TAPS = ((1, 0), (-1, 1), (1, 1))
OF_RESULTS = ((1, 1), (0, 1), (-1, 0))
Three = tuple[tuple[int, int], ...]


def correlation(
    lengths: tuple[int, int], kernel: tuple[int, int], seen: Sequence[range], made: Sequence[range]
) -> Maps:
    """Result i is the sum of tap t times place i + t, with taps counted from the kernel's middle: of the places seen
    and the results made, down and across, on circles so long that i + t goes round to none of the places."""
    taps = [range(k // 2, -(k // 2) - 1, -1) for k in kernel]  # against the sense of the places
    return waves(lengths, *seen, OF_PLACES), waves(lengths, *taps, OF_TAPS), waves(lengths, *made, OF_RESULTS)


@lru_cache(maxsize=256)
def waves(lengths: tuple[int, int], down: range, across: range, three: Three) -> Waves:
    """Of numbers at these places of circles of these lengths, float64."""
    (alone, mirrored), (real, mirrored_real) = (
        of_real_numbers(length, places, three == OF_RESULTS)
        for length, places in zip(lengths, (down, across), strict=True)
    )
    gauss, width = torch.tensor(three, dtype=torch.float64), lengths[1]
    whole = turned(width, range(width), across) / (width if three == OF_RESULTS else 1)
    return Waves(
        len(alone),
        torch.cat([alone, mirrored.flatten(0, 1)]),
        torch.cat([real, (gauss @ mirrored_real).flatten(0, 1)]),
        torch.einsum("gr,frcn->fgcn", gauss, whole).flatten(2).flatten(0, 1),
    )


def of_real_numbers(length: int, places: range, of_results: bool) -> tuple[Tensor, Tensor]:
    """What they come to at the circle's real frequencies [frequencies, places] and at one of each two complex ones that
    mirror each other [frequencies, 2, places]; in results it stands for both, and all have their share."""
    real = [0, length // 2] if length % 2 == 0 else [0]
    alone, mirrored = (turned(length, each, places)[:, :, 0] for each in (real, range(1, (length + 1) // 2)))
    return (alone[:, 0] / length, 2 * mirrored / length) if of_results else (alone[:, 0], mirrored)


def turned(length: int, frequencies: Sequence[int], places: range) -> Tensor:
    """[frequencies, 2, 2, places]: the two parts that come of the two parts of the number at each place."""
    numbers = (torch.tensor(list(each), dtype=torch.float64) for each in (frequencies, places))
    angles = 2 * pi / length * torch.outer(*numbers)
    cos, sin = angles.cos(), angles.sin()
    return torch.stack([torch.stack([cos, sin], 1), torch.stack([-sin, cos], 1)], 2)
