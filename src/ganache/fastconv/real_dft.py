"""Convolutions by the discrete Fourier transform (DFT) of real numbers, with three real products per complex one.

A convolution is a product of frequencies (the convolution theorem). A real image has half as many complex frequencies
as pixels, because the others are their complex conjugates. A product of two complex numbers takes three real ones
(Gauss). So a convolution is three linear transforms of real numbers around products: of the image, of the kernel, and
from the products to the outputs. With channels, each product is one of matrices. Zlateski et al. 2018, "FFT
convolutions are faster than Winograd on modern CPUs, here's why", call this Gauss-FFT. For tiles of 16 pixels, matrix
products are as fast as an FFT.

The derivative of each transform is its adjoint, so derivatives of any order save as many multiplications.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import pi

import torch
import torch.nn.functional as F
from torch import Tensor

from ganache.fastconv import kernels
from ganache.fastconv.linear_function import TiledTransform, apply_linear, batched_matmul, transform_weight
from ganache.fastconv.tiles import Tiles


def correlate(x: Tensor, weight: Tensor, dfts: Dfts, image: Tiles, output: Tiles) -> Tensor:
    """Correlate x [B, C, H, W] with weight [O, C, kh, kw] -> [B, O, *output.sides], by three transforms."""
    taps = (weight.shape[2], weight.shape[3])
    kernel = Tiles(taps, (1, 1), taps, taps)
    of_image, of_kernel, of_output = map(TiledDft, dfts, (image, kernel, output))
    products = batched_matmul(
        apply_linear(x, of_image.forward, of_image.adjoint), transform_weight(weight, of_kernel, x.dtype).mT
    )
    return apply_linear(products, of_output.adjoint, of_output.forward)


# ---- the transform of one tile ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RealDftAxis:
    """The DFT of n real numbers in a row."""

    cosines: Tensor
    """[real + pairs, n]. The first rows are the real frequencies, which have no conjugate: the lowest and, for an even
    length, the highest."""
    sines: Tensor
    """[pairs, n], of the complex frequencies, one per pair of conjugates."""

    @property
    def real(self) -> int:
        """The number of real frequencies."""
        return len(self.cosines) - len(self.sines)

    @property
    def n(self) -> int:
        return self.cosines.shape[1]

    def after(self, matrix: Tensor) -> RealDftAxis:
        """Return the DFT of what `matrix` [n, h] makes from h numbers."""
        return RealDftAxis(self.cosines @ matrix, self.sines @ matrix)

    @property
    def parts(self) -> tuple[Tensor, Tensor]:
        """The real frequencies [real, n], and real and imaginary part of each complex one [pairs, 2, n]."""
        return self.cosines[: self.real], torch.stack([self.cosines[self.real :], self.sines], 1)

    @cached_property
    def kernel(self) -> kernels.RealDftAxis:
        return kernels.RealDftAxis(self.cosines, self.sines)


Factors = tuple[tuple[int, int], ...]
"""The three factors of Gauss's product, each a sum (a, b) of a complex number's two parts."""


@dataclass(frozen=True)
class RealDft:
    """The DFT of the rows and columns of a tile, up to the numbers that are multiplied: three per complex frequency,
    one per real frequency."""

    columns: RealDftAxis
    rows: RealDftAxis
    factors: Factors

    def forward(self, x: Tensor) -> Tensor:
        """x [n, m, K] -> [products, K]."""
        down, across, across_complex = (each.to(x) for each in self.matrices)
        rows = (down @ x.flatten(1)).view(-1, *x.shape[1:])
        y = x.new_empty(len(self), x.shape[2])
        for matrix, given, products in self.halves(across, across_complex, rows, y):
            torch.bmm(matrix.expand(len(given), -1, -1), given, out=products)
        return y

    def adjoint(self, y: Tensor) -> Tensor:
        """The adjoint of `forward`: [products, K] -> [n, m, K]."""
        down, across, across_complex = (each.to(y) for each in self.matrices)
        rows = y.new_empty(len(down), self.rows.n, y.shape[1])
        for matrix, result, products in self.halves(across, across_complex, rows, y):
            torch.bmm(matrix.t().expand(len(result), -1, -1), products, out=result)
        return (down.t() @ rows.flatten(1)).view(-1, *rows.shape[1:])

    def halves(
        self, across: Tensor, across_complex: Tensor, rows: Tensor, y: Tensor
    ) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield (matrix, rows, products) for a column's real frequencies, and then for its complex ones."""
        (_, m, K), real = rows.shape, self.columns.real
        split = real * len(across)
        yield across, rows[:real], y[:split].view(-1, len(across), K)
        yield across_complex, rows[real:].view(-1, 2 * m, K), y[split:].view(-1, len(across_complex), K)

    @cached_property
    def matrices(self) -> tuple[Tensor, Tensor, Tensor]:
        """The matrices for a column [rows, n], with both parts of a complex frequency side by side; for a row of real
        numbers [products, m]; and for a row of complex numbers, all real parts first [products, 2m]."""
        gauss, m = torch.tensor(self.factors, dtype=torch.float64), self.rows.n
        lone, mirrored = self.columns.parts
        real, pairs = self.rows.parts
        cos, sin = self.share * pairs.transpose(0, 1)
        itself = torch.cat([cos, -sin], 1), torch.cat([sin, cos], 1)
        conjugate = torch.cat([cos, sin], 1), torch.cat([-sin, cos], 1)
        whole = torch.stack([*itself, *conjugate], 1).view(-1, 2, 2 * m)
        whole = torch.cat([torch.stack([F.pad(real, (0, m)), F.pad(real, (m, 0))], 1), whole])
        return (
            torch.cat([lone, mirrored.flatten(0, 1)]),
            torch.cat([real, (gauss @ pairs).flatten(0, 1)]),
            (gauss @ whole).flatten(0, 1),
        )

    @property
    def share(self) -> float:
        """The weight of one of two frequencies that mirror each other. An output is the sum of both, so each has half;
        of the frequencies of real numbers, one alone stands for its conjugate."""
        return 0.5 if self.factors == OUTPUT else 1.0

    def after(self, down: Tensor, across: Tensor) -> RealDft:
        """Return the DFT of what `down` [n, h] and `across` [m, w] make from h x w numbers."""
        return RealDft(self.columns.after(down), self.rows.after(across), self.factors)

    def __len__(self) -> int:
        """The number of products per tile and pair of channels."""
        _, across, across_complex = self.matrices
        return self.columns.real * len(across) + len(self.columns.sines) * len(across_complex)

    @cached_property
    def kernel(self) -> kernels.RealDft:
        factors = (IMAGE, KERNEL, OUTPUT).index(self.factors)
        return kernels.RealDft(self.columns.kernel, self.rows.kernel, factors, self.share, len(self))


@dataclass(frozen=True)
class TiledDft(TiledTransform):
    """A `RealDft` of every tile of an image."""

    dft: RealDft
    tiles: Tiles

    def transform(self, pixels: Tensor) -> Tensor:
        return self.dft.forward(pixels)

    def transform_adjoint(self, parts: Tensor) -> Tensor:
        return self.dft.adjoint(parts)

    @property
    def kernel(self) -> kernels.RealDft:
        return self.dft.kernel


Dfts = tuple[RealDft, RealDft, RealDft]
"""Of the image, of the kernel, and of the output, which is used as its adjoint."""


# ---- the transforms of a correlation ---------------------------------------------------------------------------------

# The three products of (a + ib)(c + id) = [c (a + b) - b (c + d)] + i [c (a + b) + a (d - c)]: their factors made from
# a and b, their factors made from c and d, and what each adds to the two parts of the result.
IMAGE = ((1, 1), (1, 0), (0, 1))
KERNEL = ((1, 0), (-1, 1), (1, 1))
OUTPUT = ((1, 1), (0, 1), (-1, 0))


def correlation(
    lengths: tuple[int, int], kernel: tuple[int, int], inputs: Sequence[range], outputs: Sequence[range]
) -> Dfts:
    """Return the transforms for output i = sum over t of tap t times pixel i + t, with taps counted from the kernel's
    middle, for the given pixels (down, across) and outputs. The DFT is circular: `lengths` must be so long that i + t
    never wraps around to one of the pixels."""
    taps = [range(k // 2, -(k // 2) - 1, -1) for k in kernel]  # in the opposite direction to the pixels
    return real_dft(lengths, *inputs, IMAGE), real_dft(lengths, *taps, KERNEL), real_dft(lengths, *outputs, OUTPUT)


@lru_cache(maxsize=256)
def real_dft(lengths: tuple[int, int], down: range, across: range, factors: Factors) -> RealDft:
    """Return the DFT of numbers at these positions of circles of these lengths, float64."""
    columns, rows = (
        real_dft_axis(length, positions, factors == OUTPUT)
        for length, positions in zip(lengths, (down, across), strict=True)
    )
    return RealDft(columns, rows, factors)


def real_dft_axis(length: int, positions: range, of_output: bool) -> RealDftAxis:
    """Return cosines and sines of the circle's real frequencies and of one of each two conjugates.

    For outputs they carry the scale of the inverse DFT, and one of two conjugates stands for both.
    """
    real = [0, length // 2] if length % 2 == 0 else [0]
    angles = 2 * pi / length * torch.outer(*map(as_float64, ([*real, *range(1, (length + 1) // 2)], positions)))
    cosines, sines = angles.cos(), angles[len(real) :].sin()
    if of_output:
        cosines, sines = cosines / length, 2 * sines / length
        cosines[len(real) :] *= 2
    return RealDftAxis(cosines, sines)


def as_float64(numbers: Sequence[int]) -> Tensor:
    return torch.tensor(list(numbers), dtype=torch.float64)
