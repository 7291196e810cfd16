"""Convolutions with stride 1 by frequencies: for kernels of 5x5 a tenth of the multiplications.

A convolution is a product of frequencies (the convolution theorem); a real picture has half as many complex ones as
places; a product of two complex numbers takes three real ones (Gauss). So a convolution is three linear maps of real
numbers around products: of places, of a kernel's taps, and from the products to the results. With channels each product
is one of matrices (Zlateski et al. 2018, "FFT convolutions are faster than Winograd on modern CPUs, here's why", call
it Gauss-FFT). Pictures are cut into overlapping tiles with at most 16x16 results, as each frequency is of all places;
at that length matrix products are faster than an FFT.

Each map's derivative is its adjoint and the other way round, so derivatives of any order have as few multiplications.
Rounded to bfloat16 in between, a layer's error is 0.8%, where rounding its input and its weights makes 0.3%.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import ceil, pi, prod

import torch
from torch import Tensor

from ganache.networks.linear import linear

TILE = 16
"""Results along a side of a tile, at most: with fewer each takes more products, with more the maps are longer."""


def conv2d(x: Tensor, weight: Tensor) -> Tensor:
    """F.conv2d(x [B, C, H, W], weight [O, C, kh, kw], padding="same"), of odd kernels."""
    tiles = Tiles((x.shape[2], x.shape[3]), (weight.shape[2], weight.shape[3]))
    y = correlation(linear(x, tiles.cut, tiles.pasted), weight, tiles.maps)
    return linear(y, tiles.joined, tiles.parted)


def correlation(x: Tensor, weight: Tensor, maps: Maps) -> Tensor:
    """Places x [n, m, B, C] and weight [O, C, kh, kw] -> results [h, w, B, O]: by the maps of places, of taps and, back,
    of results."""
    of_places, of_taps, of_results = maps
    B, C, O = x.shape[2], x.shape[3], len(weight)
    seen = linear(x.flatten(2), of_places.there, of_places.back)
    kernels = linear(weight.permute(2, 3, 1, 0).flatten(2), of_taps.there, of_taps.back)
    mixed = torch.bmm(seen.view(-1, B, C), kernels.view(-1, C, O))
    y = linear(mixed.flatten(1), of_results.back, of_results.there)
    return y.view(*y.shape[:2], B, O)


# ---- frequencies ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waves:
    """A map from numbers in rows and columns to what is multiplied: of each complex frequency three numbers, of each
    real one itself."""

    reals: int
    """Real frequencies of a column: the lowest and, of an even circle, the highest."""
    down: Tensor
    """[real frequencies, then two parts of each complex one; n]: of a column of n numbers."""
    across: Tensor
    """[products, m]: of a row of m real numbers."""
    across_complex: Tensor
    """[products, 2m]: of a row of m complex numbers, all real parts first."""

    def there(self, x: Tensor) -> Tensor:
        """x [n, m, K] -> [products, K]."""
        down, across, across_complex = self._like(x)
        rows = (down @ x.flatten(1)).view(-1, *x.shape[1:])
        y = x.new_empty(len(self), x.shape[2])
        for matrix, of_rows, of_products in self._halves(rows, y, across, across_complex):
            torch.bmm(matrix.expand(len(of_rows), -1, -1), of_rows, out=of_products)
        return y

    def back(self, y: Tensor) -> Tensor:
        """The adjoint of `there`: [products, K] -> [n, m, K]."""
        down, across, across_complex = self._like(y)
        rows = y.new_empty(len(down), across.shape[1], y.shape[1])
        for matrix, of_rows, of_products in self._halves(rows, y, across, across_complex):
            torch.bmm(matrix.t().expand(len(of_rows), -1, -1), of_products, out=of_rows)
        return (down.t() @ rows.flatten(1)).view(-1, *rows.shape[1:])

    def after(self, down: Tensor, across: Tensor) -> Waves:
        """Of what `down` [n, h] and `across` [m, w] make of h numbers by w."""
        both = torch.block_diag(across, across)
        return Waves(self.reals, self.down @ down, self.across @ across, self.across_complex @ both)

    def __len__(self) -> int:
        """How many are multiplied."""
        complexes = (len(self.down) - self.reals) // 2
        return self.reals * len(self.across) + complexes * len(self.across_complex)

    def _like(self, x: Tensor) -> list[Tensor]:
        return [each.to(x) for each in (self.down, self.across, self.across_complex)]

    def _halves(
        self, rows: Tensor, y: Tensor, across: Tensor, across_complex: Tensor
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Of a column's real frequencies, then of its complex ones: the matrix, its rows, its products."""
        m, K = rows.shape[1:]
        split = self.reals * len(across)
        yield across, rows[: self.reals], y[:split].view(-1, len(across), K)
        yield across_complex, rows[self.reals :].view(-1, 2 * m, K), y[split:].view(-1, len(across_complex), K)


Maps = tuple[Waves, Waves, Waves]
Slices = tuple[slice, slice]


# The three products of (a + ib)(c + id) = [c (a + b) - b (c + d)] + i [c (a + b) + a (d - c)]: their factors of a and b,
# of c and d, and what each is in the two parts.
OF_PLACES = ((1, 1), (1, 0), (0, 1))
OF_TAPS = ((1, 0), (-1, 1), (1, 1))
OF_RESULTS = ((1, 1), (0, 1), (-1, 0))


@lru_cache(maxsize=256)
def waves(lengths: tuple[int, int], down: range, across: range, three: tuple[tuple[int, int], ...]) -> Waves:
    """Of numbers at these places of circles of these lengths, float64."""
    of_results = three is OF_RESULTS
    (alone, mirrored), (real, mirrored_real) = (
        of_real_numbers(length, places, of_results) for length, places in zip(lengths, (down, across), strict=True)
    )
    gauss = torch.tensor(three, dtype=torch.float64)
    width = lengths[1]
    whole = turned(width, range(width), across) / (width if of_results else 1)
    return Waves(
        len(alone),
        torch.cat([alone, mirrored.flatten(0, 1)]),
        torch.cat([real, (gauss @ mirrored_real).flatten(0, 1)]),
        torch.einsum("gr,frcn->fgcn", gauss, whole).flatten(2).flatten(0, 1),
    )


def of_real_numbers(length: int, places: range, of_results: bool) -> tuple[Tensor, Tensor]:
    """What they come to at the circle's real frequencies [frequencies, places] and at one of each two complex ones that
    mirror each other [frequencies, 2, places]; in results each has its share, for its mirror image too."""
    real = [0, length // 2] if length % 2 == 0 else [0]
    alone, mirrored = (turned(length, each, places)[:, :, 0] for each in (real, range(1, (length + 1) // 2)))
    return (alone[:, 0] / length, 2 * mirrored / length) if of_results else (alone[:, 0], mirrored)


def turned(length: int, frequencies: Sequence[int], places: range) -> Tensor:
    """[frequencies, 2, 2, places]: the two parts that come of the two parts of the number at each place."""
    numbers = (torch.tensor(list(each), dtype=torch.float64) for each in (frequencies, places))
    angles = 2 * pi / length * torch.outer(*numbers)
    cos, sin = angles.cos(), angles.sin()
    return torch.stack([torch.stack([cos, sin], 1), torch.stack([-sin, cos], 1)], 2)


def correlating(lengths: tuple[int, int], kernel: tuple[int, int], seen: Sequence[range], made: Sequence[range]) -> Maps:
    """The three maps of: result i is the sum of tap t times place i + t, taps counted from the kernel's middle, on
    circles so long that no such sum goes round to a place."""
    taps = [range(k // 2, -(k // 2) - 1, -1) for k in kernel]  # against the sense of the places
    return tuple(waves(lengths, *each) for each in ((*seen, OF_PLACES), (*taps, OF_TAPS), (*made, OF_RESULTS)))


# ---- tiles ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tiles:
    """How pictures are cut into overlapping tiles, for a kernel that leaves them as large as they are."""

    sides: tuple[int, int]
    kernel: tuple[int, int]

    @property
    def counts(self) -> tuple[int, int]:
        return ceil(self.sides[0] / TILE), ceil(self.sides[1] / TILE)

    @property
    def results(self) -> tuple[int, int]:
        """The sides of what each makes; the last may reach beyond the picture."""
        return ceil(self.sides[0] / self.counts[0]), ceil(self.sides[1] / self.counts[1])

    @property
    def margins(self) -> tuple[int, int]:
        """What each sees beside its results, on each side."""
        return self.kernel[0] // 2, self.kernel[1] // 2

    @property
    def maps(self) -> Maps:
        around = list(zip(self.results, self.margins, strict=True))
        seen, made = [range(-pad, n + pad) for n, pad in around], [range(n) for n in self.results]
        return correlating((len(seen[0]), len(seen[1])), self.kernel, seen, made)

    def cut(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] -> what the tiles see of it [n, m, tiles * B, C], zeros beyond the picture."""
        return self._cut(x, self.margins)

    def pasted(self, parts: Tensor) -> Tensor:
        """The adjoint of `cut`: where tiles overlap, their sum."""
        return self._pasted(parts, self.margins)

    def joined(self, y: Tensor) -> Tensor:
        """The tiles' results y [h, w, tiles * B, C] -> [B, C, H, W]."""
        return self._pasted(y, (0, 0))

    def parted(self, x: Tensor) -> Tensor:
        """The adjoint of `joined`."""
        return self._cut(x, (0, 0))

    def _cut(self, x: Tensor, margins: tuple[int, int]) -> Tensor:
        B, C = x.shape[:2]
        n, m = (result + 2 * margin for result, margin in zip(self.results, margins, strict=True))
        full = (n * self.counts[0], m * self.counts[1]) == self.sides
        parts = (x.new_empty if full else x.new_zeros)(n, m, *self.counts, B, C)
        places = x.permute(2, 3, 0, 1)
        for tile, inside, outside in self._overlaps(margins):
            parts[*inside, *tile].copy_(places[outside])
        return parts.flatten(2, 4)

    def _pasted(self, parts: Tensor, margins: tuple[int, int]) -> Tensor:
        n, m, many, C = parts.shape
        B = many // prod(self.counts)
        # A tensor of its own and no view, as activations write into it, its channels last in memory.
        like, shape = {"dtype": parts.dtype, "device": parts.device}, (B, C, *self.sides)
        x = torch.empty(shape, **like, memory_format=torch.channels_last)
        parts, places = parts.view(n, m, *self.counts, B, C), x.permute(2, 3, 0, 1)
        put = Tensor.add_ if any(margins) else Tensor.copy_
        if any(margins):
            x.zero_()
        for tile, inside, outside in self._overlaps(margins):
            put(places[outside], parts[*inside, *tile])
        return x

    def _overlaps(self, margins: tuple[int, int]) -> Iterator[tuple[tuple[int, int], Slices, Slices]]:
        """Of each tile: its row and column, and where it lies on the picture, counted in the tile and on the picture."""
        rows, columns = (
            [overlap(tile * n - margin, n + 2 * margin, side) for tile in range(count)]
            for count, n, margin, side in zip(self.counts, self.results, margins, self.sides, strict=True)
        )
        for (i, (a, b)), (j, (c, d)) in product(enumerate(rows), enumerate(columns)):
            yield (i, j), (a, c), (b, d)


def overlap(begin: int, n: int, side: int) -> tuple[slice, slice]:
    """Of n places that begin there, those on a side: counted among themselves, and on the side."""
    first, last = max(begin, 0), min(begin + n, side)
    return slice(first - begin, last - begin), slice(first, last)
