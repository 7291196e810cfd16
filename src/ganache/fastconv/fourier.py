"""Convolutions with stride 1 by frequencies: for kernels of 5x5 a tenth of the multiplications.

A convolution is a product of frequencies (the convolution theorem); of real numbers there are half as many, complex
ones, as places; and a product of two complex numbers takes three real ones (Gauss). So a convolution is three linear
maps of real numbers around products: of places, of a kernel's taps, and from the products to the results. With channels
each product is one of matrices (Zlateski et al. 2018, "FFT convolutions are faster than Winograd on modern CPUs, here's
why", call it Gauss-FFT). Pictures are cut into small tiles, as each frequency is of all places; at that length matrix
products are as fast as an FFT.

Each map's derivative is its adjoint and the other way round, so derivatives of any order have as few multiplications.
Rounded to bfloat16 in between, a layer's error is 0.8%, where rounding its input and its weights makes 0.3%.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil, pi

import torch
import torch.nn.functional as F
from torch import Tensor

from ganache.fastconv import kernels
from ganache.fastconv.linear_function import TiledMap, linear, mapped, products
from ganache.fastconv.tiles import Sides, Tiles

TILE = 16
"""Results along a side of a tile, at most: with fewer each takes more products, with more the maps are longer."""


def conv2d(x: Tensor, weight: Tensor) -> Tensor:
    """F.conv2d(x [B, C, H, W], weight [O, C, kh, kw], padding="same"), of odd kernels."""
    sides, kernel = (x.shape[2], x.shape[3]), (weight.shape[2], weight.shape[3])
    places, results = tiled(sides, kernel)
    seen = [range(-pad, n - pad) for n, pad in zip(places.seen, places.padding, strict=True)]
    made = (range(results.seen[0]), range(results.seen[1]))
    maps = correlation(places.seen, kernel, (seen[0], seen[1]), made)
    return correlated(x, weight, maps, places, results)


def tiled(sides: Sides, kernel: Sides) -> tuple[Tiles, Tiles]:
    """What tiles see for results as large as the picture, and those results."""
    (H, W), (kh, kw) = sides, kernel
    counts = (ceil(H / TILE), ceil(W / TILE))
    h, w = step = (ceil(H / counts[0]), ceil(W / counts[1]))
    places = Tiles(sides, counts, (h + kh - 1, w + kw - 1), step, padding=(kh // 2, kw // 2))
    return places, Tiles(sides, counts, step, step)


def correlated(x: Tensor, weight: Tensor, maps: Maps, places: Tiles, results: Tiles) -> Tensor:
    """Pictures x [B, C, H, W] and weight [O, C, kh, kw] -> [B, O, *sides], by the three maps of a correlation."""
    taps = (weight.shape[2], weight.shape[3])
    of_kernels = Tiles(taps, (1, 1), taps, taps)
    of_places, of_taps, of_results = map(Waved, maps, (places, of_kernels, results))
    mixed = products(linear(x, of_places.there, of_places.back), mapped(weight, of_taps, x.dtype).mT)
    return linear(mixed, of_results.back, of_results.there)


# ---- a map ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Frequencies:
    """Of n real numbers in a row."""

    cosines: Tensor
    """[alone + pairs, n], the first of the real frequencies, which have no mirror image: the lowest and, where the
    circle is even, the highest."""
    sines: Tensor
    """[pairs, n], of the others."""

    @property
    def alone(self) -> int:
        return len(self.cosines) - len(self.sines)

    @property
    def n(self) -> int:
        return self.cosines.shape[1]

    def after(self, matrix: Tensor) -> Frequencies:
        """Of what `matrix` [n, h] makes of h numbers."""
        return Frequencies(self.cosines @ matrix, self.sines @ matrix)

    @property
    def parts(self) -> tuple[Tensor, Tensor]:
        """Of the real frequencies [alone, n], and both parts of each complex one [pairs, 2, n]."""
        return self.cosines[: self.alone], torch.stack([self.cosines[self.alone :], self.sines], 1)

    @cached_property
    def kernel(self) -> kernels.Frequencies:
        return kernels.Frequencies(self.cosines, self.sines)


Three = tuple[tuple[int, int], ...]
"""What is multiplied for a complex number: three sums of its two parts."""


@dataclass(frozen=True)
class Waves:
    """From numbers in rows and columns to what is multiplied: three numbers for each complex frequency, and each real
    one itself."""

    columns: Frequencies
    rows: Frequencies
    three: Three

    def there(self, x: Tensor) -> Tensor:
        """x [n, m, K] -> [products, K]."""
        down, across, across_complex = (each.to(x) for each in self.matrices)
        rows = (down @ x.flatten(1)).view(-1, *x.shape[1:])
        y = x.new_empty(len(self), x.shape[2])
        for matrix, of_rows, of_products in self.halves(across, across_complex, rows, y):
            torch.bmm(matrix.expand(len(of_rows), -1, -1), of_rows, out=of_products)
        return y

    def back(self, y: Tensor) -> Tensor:
        """The adjoint of `there`: [products, K] -> [n, m, K]."""
        down, across, across_complex = (each.to(y) for each in self.matrices)
        rows = y.new_empty(len(down), self.rows.n, y.shape[1])
        for matrix, of_rows, of_products in self.halves(across, across_complex, rows, y):
            torch.bmm(matrix.t().expand(len(of_rows), -1, -1), of_products, out=of_rows)
        return (down.t() @ rows.flatten(1)).view(-1, *rows.shape[1:])

    def halves(
        self, across: Tensor, across_complex: Tensor, rows: Tensor, y: Tensor
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Of a column's real frequencies and then of its complex ones: the matrix, its rows, its products."""
        (_, m, K), alone = rows.shape, self.columns.alone
        split = alone * len(across)
        yield across, rows[:alone], y[:split].view(-1, len(across), K)
        yield across_complex, rows[alone:].view(-1, 2 * m, K), y[split:].view(-1, len(across_complex), K)

    @cached_property
    def matrices(self) -> tuple[Tensor, Tensor, Tensor]:
        """Of a column [rows, n], with both parts of a complex frequency side by side; of a row of real numbers
        [products, m]; of a row of complex numbers, all real parts first [products, 2m]."""
        gauss, m = torch.tensor(self.three, dtype=torch.float64), self.rows.n
        alone, mirrored = self.columns.parts
        real, pairs = self.rows.parts
        cos, sin = self.share * pairs.transpose(0, 1)
        itself = torch.cat([cos, -sin], 1), torch.cat([sin, cos], 1)
        image = torch.cat([cos, sin], 1), torch.cat([-sin, cos], 1)
        whole = torch.stack([*itself, *image], 1).view(-1, 2, 2 * m)
        whole = torch.cat([torch.stack([F.pad(real, (0, m)), F.pad(real, (m, 0))], 1), whole])
        return (
            torch.cat([alone, mirrored.flatten(0, 1)]),
            torch.cat([real, (gauss @ pairs).flatten(0, 1)]),
            (gauss @ whole).flatten(0, 1),
        )

    @property
    def share(self) -> float:
        """What one of two frequencies that mirror each other has of both: in results, which are their sum, one of two
        real numbers' stands for both."""
        return 0.5 if self.three == OF_RESULTS else 1.0

    def after(self, down: Tensor, across: Tensor) -> Waves:
        """Of what `down` [n, h] and `across` [m, w] make of h numbers by w."""
        return Waves(self.columns.after(down), self.rows.after(across), self.three)

    def __len__(self) -> int:
        """How many are multiplied."""
        _, across, across_complex = self.matrices
        return self.columns.alone * len(across) + len(self.columns.sines) * len(across_complex)

    @cached_property
    def kernel(self) -> kernels.Waves:
        three = (OF_PLACES, OF_TAPS, OF_RESULTS).index(self.three)
        return kernels.Waves(self.columns.kernel, self.rows.kernel, three, self.share, len(self))


@dataclass(frozen=True)
class Waved(TiledMap):
    """The same of what tiles see of pictures."""

    waves: Waves
    tiles: Tiles

    def of_places(self, places: Tensor) -> Tensor:
        return self.waves.there(places)

    def of_products(self, parts: Tensor) -> Tensor:
        return self.waves.back(parts)

    @property
    def kernel(self) -> kernels.Waves:
        return self.waves.kernel


Maps = tuple[Waves, Waves, Waves]
"""Of places, of taps, and of results, where it goes back."""


# ---- the maps of a correlation -------------------------------------------------------------------------------------

# The three products of (a + ib)(c + id) = [c (a + b) - b (c + d)] + i [c (a + b) + a (d - c)]: their factors made of a
# and b, their factors made of c and d, and what each is in the two parts.
OF_PLACES = ((1, 1), (1, 0), (0, 1))
OF_TAPS = ((1, 0), (-1, 1), (1, 1))
OF_RESULTS = ((1, 1), (0, 1), (-1, 0))


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
    columns, rows = (
        of_real_numbers(length, places, three == OF_RESULTS)
        for length, places in zip(lengths, (down, across), strict=True)
    )
    return Waves(columns, rows, three)


def of_real_numbers(length: int, places: range, of_results: bool) -> Frequencies:
    """What they come to at the circle's real frequencies and at one of each two complex ones that mirror each other; in
    results it stands for both, and all have their share."""
    alone = [0, length // 2] if length % 2 == 0 else [0]
    angles = 2 * pi / length * torch.outer(*map(numbers, ([*alone, *range(1, (length + 1) // 2)], places)))
    cosines, sines = angles.cos(), angles[len(alone) :].sin()
    if of_results:
        cosines, sines = cosines / length, 2 * sines / length
        cosines[len(alone) :] *= 2
    return Frequencies(cosines, sines)


def numbers(each: Sequence[int]) -> Tensor:
    return torch.tensor(list(each), dtype=torch.float64)
