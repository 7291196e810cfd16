"""Maps of tiles (`tiles.h`, `winograd.h`, `real_dft.h`) and sums of taps (`kn2row.h`), each in one pass over memory."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from ganache.fastconv.kernels.loading import at, is_half, loaded
from ganache.fastconv.kernels.matrices import matrices
from ganache.fastconv.tiles import Sides, Tiles

EQUAL = 1e-12


def mapped(x: Tensor, tiles: Tiles, by: Squares | Waves, dtype: torch.dtype) -> Tensor:
    """What is multiplied of what tiles see of x [B, C, H, W]: [products, B * tiles, ways * C]."""
    x = (x.to(dtype) if is_half(x) else x).contiguous(memory_format=torch.channels_last)
    parts = matrices(by.products, len(x) * prod(tiles.counts), tiles.stride**2 * x.shape[1], dtype)
    by.kernel(_shape(x, tiles, parts), _half(x, parts), False, at(x), at(parts))
    return parts


def unmapped(parts: Tensor, tiles: Tiles, by: Squares | Waves, dtype: torch.dtype) -> Tensor:
    """The adjoint of `mapped`."""
    shape = (parts.shape[1] // prod(tiles.counts), parts.shape[2] // tiles.stride**2, *tiles.sides)
    made = dtype if is_half(parts) else parts.dtype
    x = torch.empty(shape, dtype=made, memory_format=torch.channels_last)
    if not tiles.see_all:
        x.zero_()
    parts = parts if parts[0].is_contiguous() else parts.contiguous()  # there may be gaps between them
    by.kernel(_shape(x, tiles, parts), _half(x, parts), True, at(parts), at(x))
    return x.to(dtype)


def folded(parts: Tensor, sides: Sides, stride: int, padding: Sides) -> Tensor:
    """The sum of what a kernel's taps make [B, O, h, w, H, W], each moved to its place: [B, O, *sides]. Tap i of place
    y lies at stride * y + i - padding."""
    y = parts.new_empty(*parts.shape[:2], *sides)
    _call_taps(parts, y, stride, padding, False, parts.contiguous(), y)
    return y


def unfolded(y: Tensor, kernel: Sides, places: Sides, stride: int, padding: Sides) -> Tensor:
    """The adjoint of `folded`."""
    parts = y.new_empty(*y.shape[:2], *kernel, *places)
    _call_taps(parts, y, stride, padding, True, y.contiguous(), parts)
    return parts


# ---- the call -------------------------------------------------------------------------------------------------------


class Frequencies(ctypes.Structure):
    """What `fourier.Frequencies` is to the kernels, which sum and subtract numbers first that a cosine has alike and a
    sine has opposite."""

    _fields_ = (
        *((name, ctypes.c_int) for name in ("n", "alone", "pairs", "evens", "odds")),
        *((name, ctypes.c_void_p) for name in ("cosines", "sines", "folds")),
    )
    kept: tuple[Tensor, Tensor, Tensor]

    def __init__(self, cosines: Tensor, sines: Tensor) -> None:
        """cosines [alone + pairs, n] and sines [pairs, n], float64."""
        alone = [i for i in range(cosines.shape[1]) if sines[:, i].abs().sum() < EQUAL]
        both = torch.cat([cosines, sines])
        mirrored = torch.cat([cosines, -sines])
        folds: dict[int, int] = {}
        for i in range(cosines.shape[1]):
            if i not in alone and i not in folds.values():
                near = (both - mirrored[:, i : i + 1]).abs().amax(0) < EQUAL
                folds[i] = next((j for j in near.nonzero().flatten().tolist() if j not in folds), -1)
        first = [*folds, *alone]
        self.kept = (
            cosines[:, first].float().contiguous(),
            sines[:, list(folds)].float().contiguous(),
            torch.tensor([*folds.items(), *((i, -1) for i in alone)], dtype=torch.int32),
        )
        counts = (cosines.shape[1], len(cosines) - len(sines), len(sines), len(first), len(folds))
        super().__init__(*counts, *(each.data_ptr() for each in self.kept))


@dataclass(frozen=True)
class Squares:
    """What `winograd.Squared` is to the kernels."""

    matrix: Tensor
    """[P, N], float32."""

    @property
    def products(self) -> int:
        return len(self.matrix) ** 2

    def kernel(self, its: Any, half: int, back: bool, given: ctypes.c_void_p, made: ctypes.c_void_p) -> None:
        failed = loaded().squares(its, half, back, len(self.matrix), at(self.matrix), given, made)
        assert not failed, self.matrix.shape


@dataclass(frozen=True)
class Waves:
    """What `fourier.Waves` is to the kernels."""

    columns: Frequencies
    rows: Frequencies
    three: int
    share: float
    products: int

    def kernel(self, its: Any, half: int, back: bool, given: ctypes.c_void_p, made: ctypes.c_void_p) -> None:
        of = self.three, ctypes.byref(self.columns), ctypes.byref(self.rows), ctypes.c_float(self.share)
        loaded().waves(its, half, back, *of, given, made)


class _Shape(ctypes.Structure):
    _fields_ = (
        *(
            (name, ctypes.c_int)
            for name in ("B", "H", "W", "C", "U", "V", "n", "m", "down", "across", "top", "left", "stride")
        ),
        ("next", ctypes.c_ssize_t),
    )


def _shape(x: Tensor, tiles: Tiles, parts: Tensor) -> Any:
    B, C, H, W = x.shape
    its = _Shape(B, H, W, C, *tiles.counts, *tiles.seen, *tiles.step, *tiles.padding, tiles.stride, parts.stride(0))
    return ctypes.byref(its)


def _half(x: Tensor, parts: Tensor) -> int:
    return int(is_half(x)) + int(is_half(parts))


class _Taps(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_int) for name in ("N", "h", "w", "H", "W", "rows", "columns", "stride", "up", "left")
    )


def _call_taps(parts: Tensor, y: Tensor, stride: int, padding: Sides, back: bool, given: Tensor, made: Tensor) -> None:
    its = _Taps(y.shape[0] * y.shape[1], *parts.shape[2:], *y.shape[2:], stride, *padding)
    loaded().taps(ctypes.byref(its), is_half(given), back, at(given), at(made))
