"""Transforms of tiles (`tiles.h`, `winograd.h`, `real_dft.h`) and sums of taps (`kn2row.h`): one pass over memory."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from ganache.fastconv.kernels.loading import is_bfloat16, loaded_library, pointer
from ganache.fastconv.kernels.matrices import empty_matrices
from ganache.fastconv.tiles import Sides, Tiles

EQUAL = 1e-12
"""Difference below which two cosines or sines are the same number."""


def transform(x: Tensor, tiles: Tiles, by: WinogradTransform | RealDft, dtype: torch.dtype) -> Tensor:
    """Transform the tiles of x [B, C, H, W] -> [products, B * tiles, phases * C] of this dtype."""
    x = (x.to(dtype) if is_bfloat16(x) else x).contiguous(memory_format=torch.channels_last)
    parts = empty_matrices(by.products, len(x) * prod(tiles.counts), tiles.stride**2 * x.shape[1], dtype)
    by.run(_struct(x, tiles, parts), _count_bfloat16(x, parts), False, pointer(x), pointer(parts))
    return parts


def transform_adjoint(parts: Tensor, tiles: Tiles, by: WinogradTransform | RealDft, dtype: torch.dtype) -> Tensor:
    """The adjoint of `transform`."""
    shape = (parts.shape[1] // prod(tiles.counts), parts.shape[2] // tiles.stride**2, *tiles.sides)
    output_dtype = dtype if is_bfloat16(parts) else parts.dtype
    x = torch.empty(shape, dtype=output_dtype, memory_format=torch.channels_last)
    if not tiles.cover_image:
        x.zero_()
    parts = parts if parts[0].is_contiguous() else parts.contiguous()  # there may be gaps between matrices
    by.run(_struct(x, tiles, parts), _count_bfloat16(x, parts), True, pointer(parts), pointer(x))
    return x.to(dtype)


def fold(images: Tensor, sides: Sides, stride: int, padding: Sides) -> Tensor:
    """Sum the images of a kernel's taps [B, O, kh, kw, H, W], each moved to its place: [B, O, *sides].

    Pixel y of tap i moves to row stride * y + i - padding, as in torch.nn.functional.fold.
    """
    y = images.new_empty(*images.shape[:2], *sides)
    _run_fold(images, y, stride, padding, False, images.contiguous(), y)
    return y


def unfold(y: Tensor, kernel: Sides, sides: Sides, stride: int, padding: Sides) -> Tensor:
    """The adjoint of `fold`: [B, O, H', W'] -> [B, O, *kernel, *sides]."""
    images = y.new_empty(*y.shape[:2], *kernel, *sides)
    _run_fold(images, y, stride, padding, True, y.contiguous(), images)
    return images


# ---- the transforms as C structures ----------------------------------------------------------------------------------


class RealDftAxis(ctypes.Structure):
    """`real_dft.RealDftAxis` as the kernels take it.

    A cosine is the same at two mirrored positions of the circle, and a sine is opposite. So the kernels first add and
    subtract such pairs of numbers, which halves the multiplications.
    """

    _fields_ = (
        *((name, ctypes.c_int) for name in ("n", "real", "pairs", "evens", "odds")),
        *((name, ctypes.c_void_p) for name in ("cosines", "sines", "mirrors")),
    )
    kept: tuple[Tensor, Tensor, Tensor]
    """The memory that the pointers point to."""

    def __init__(self, cosines: Tensor, sines: Tensor) -> None:
        """cosines [real + pairs, n] and sines [pairs, n], float64."""
        lone = [i for i in range(cosines.shape[1]) if sines[:, i].abs().sum() < EQUAL]
        both = torch.cat([cosines, sines])
        mirrored = torch.cat([cosines, -sines])
        mirrors: dict[int, int] = {}
        for i in range(cosines.shape[1]):
            if i not in lone and i not in mirrors.values():
                equal = (both - mirrored[:, i : i + 1]).abs().amax(0) < EQUAL
                mirrors[i] = next((j for j in equal.nonzero().flatten().tolist() if j not in mirrors), -1)
        evens = [*mirrors, *lone]
        self.kept = (
            cosines[:, evens].float().contiguous(),
            sines[:, list(mirrors)].float().contiguous(),
            torch.tensor([*mirrors.items(), *((i, -1) for i in lone)], dtype=torch.int32),
        )
        counts = (cosines.shape[1], len(cosines) - len(sines), len(sines), len(evens), len(mirrors))
        super().__init__(*counts, *(each.data_ptr() for each in self.kept))


@dataclass(frozen=True)
class WinogradTransform:
    """`winograd.TiledWinograd` as the kernels take it."""

    matrix: Tensor
    """[P, N], float32."""

    @property
    def products(self) -> int:
        return len(self.matrix) ** 2

    def run(self, struct: Any, bfloat16: int, adjoint: bool, given: ctypes.c_void_p, output: ctypes.c_void_p) -> None:
        matrix = len(self.matrix), pointer(self.matrix)
        failed = loaded_library().winograd_transform(struct, bfloat16, adjoint, *matrix, given, output)
        assert not failed, self.matrix.shape


@dataclass(frozen=True)
class RealDft:
    """`real_dft.RealDft` as the kernels take it."""

    columns: RealDftAxis
    rows: RealDftAxis
    factors: int
    """0 for the image, 1 for the kernel, 2 for the output."""
    share: float
    products: int

    def run(self, struct: Any, bfloat16: int, adjoint: bool, given: ctypes.c_void_p, output: ctypes.c_void_p) -> None:
        axes = ctypes.byref(self.columns), ctypes.byref(self.rows)
        dft = self.factors, *axes, ctypes.c_float(self.share)
        loaded_library().real_dft_transform(struct, bfloat16, adjoint, *dft, given, output)


class _Tiling(ctypes.Structure):
    _fields_ = (
        *(
            (name, ctypes.c_int)
            for name in ("B", "H", "W", "C", "U", "V", "n", "m", "down", "across", "top", "left", "stride")
        ),
        ("next", ctypes.c_ssize_t),
    )


def _struct(x: Tensor, tiles: Tiles, parts: Tensor) -> Any:
    B, C, H, W = x.shape
    geometry = *tiles.counts, *tiles.size, *tiles.step, *tiles.padding, tiles.stride
    return ctypes.byref(_Tiling(B, H, W, C, *geometry, parts.stride(0)))


def _count_bfloat16(x: Tensor, parts: Tensor) -> int:
    """Return how many of the two are bfloat16: 0, 1 (the parts) or 2."""
    return int(is_bfloat16(x)) + int(is_bfloat16(parts))


class _Fold(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_int) for name in ("N", "kh", "kw", "H", "W", "rows", "columns", "stride", "up", "left")
    )


def _run_fold(
    images: Tensor, y: Tensor, stride: int, padding: Sides, adjoint: bool, given: Tensor, output: Tensor
) -> None:
    struct = _Fold(y.shape[0] * y.shape[1], *images.shape[2:], *y.shape[2:], stride, *padding)
    loaded_library().fold_taps(ctypes.byref(struct), is_bfloat16(given), adjoint, pointer(given), pointer(output))
