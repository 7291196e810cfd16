"""Maps of tiles in kernels of our own: what PyTorch does in several passes over memory, in one (`kernels.cpp`).

They are compiled when ganache is installed, where there is a C++ compiler (`hatch_build.py`). Without them the same
maps are computed by PyTorch. They share PyTorch's threads.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganache.networks.kernels.version import version
from ganache.networks.tiles import Sides, Tiles

LANES = 16
"""Channels that are computed at a time."""
GAP = 32
"""Numbers between matrices: a map writes and reads all at the same place, and with sizes that are powers of two all
would lie in one set of the cache."""
EQUAL = 1e-12


def are_for(channels: int, dtype: torch.dtype) -> bool:
    """Whether there are kernels for such numbers on this CPU."""
    return dtype in (torch.float32, torch.bfloat16) and channels % LANES == 0 and library() is not None


def fit(x: Tensor, channels: int, dtype: torch.dtype | None = None) -> bool:
    """Whether there are kernels for it, that make numbers of this type, or of its own."""
    there = x.device.type == "cpu" and are_for(channels, x.dtype)
    return there and (dtype in (None, x.dtype) or {dtype, x.dtype} == {torch.float32, torch.bfloat16})


def squared(x: Tensor, tiles: Tiles, matrix: Tensor, dtype: torch.dtype) -> Tensor:
    """What square tiles see of x [B, C, H, W], with `matrix` [P, N], float32, from both sides: [P * P, B * tiles,
    ways * C]."""
    return _there(x, tiles, len(matrix) ** 2, _squares(matrix), dtype)


def unsquared(parts: Tensor, tiles: Tiles, matrix: Tensor, dtype: torch.dtype) -> Tensor:
    """The adjoint of `squared`."""
    return _back(parts, tiles, _squares(matrix), dtype)


def waved(x: Tensor, tiles: Tiles, waves: Waves, dtype: torch.dtype) -> Tensor:
    """The products of what tiles see of x [B, C, H, W]: [products, B * tiles, ways * C]."""
    return _there(x, tiles, waves.products, _waves(waves), dtype)


def unwaved(parts: Tensor, tiles: Tiles, waves: Waves, dtype: torch.dtype) -> Tensor:
    """The adjoint of `waved`."""
    return _back(parts, tiles, _waves(waves), dtype)


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


def can_multiply(a: Tensor, b: Tensor) -> bool:
    """Whether there is a kernel for the products of a [P, m, k] and b [P, k, n]."""
    if a.device.type != "cpu" or not are_for(b.shape[2], a.dtype) or not multiplies(a.dtype):
        return False
    return all(its is not None and its % LANES == 0 for its in (_along(a), _along(b)))


def multiplies(dtype: torch.dtype) -> bool:
    """Whether there are kernels for products of such numbers, and no faster matrix units."""
    half = dtype is torch.bfloat16
    return bool(_library().has_products(half)) and not (half and cpu_has("amx_bf16"))


def multiplied(a: Tensor, b: Tensor) -> Tensor:
    """a [P, m, k] and b [P, k, n] -> [P, m, n], as torch.bmm."""
    P, m, k = a.shape
    n, across = b.shape[2], (a.stride(1) == 1, b.stride(2) == 1)
    c = _matrices(P, m, n, a.dtype)
    its = _Matrices(P, m, n, k, *across, a.stride(0), b.stride(0), c.stride(0))
    _library().products(ctypes.byref(its), _is_half(a), _at(a), _at(b), _at(c))
    return c


@dataclass(frozen=True)
class Norm:
    """Of batch norm and the activation after it, which multiplies with `slope` below 0."""

    batches: int
    """How many lie in what is given, each with its own mean and spread."""
    epsilon: float
    slope: float
    share: float
    """A batch's of the means and variances that are kept."""

    def of(self, x: Tensor) -> Any:
        B, C, H, W = x.shape
        return ctypes.byref(_Norm(self.batches, B // self.batches * H * W, C, self.epsilon, self.slope, self.share))


def normed(
    x: Tensor, weight: Tensor, bias: Tensor, kept: tuple[Tensor, Tensor], norm: Norm
) -> tuple[Tensor, Tensor, Tensor]:
    """x [B, C, H, W], all else float32 -> like x, and the means and variances [batches, C]. Those that are kept [C]
    change."""
    x = x.contiguous(memory_format=torch.channels_last)
    y, means = torch.empty_like(x), torch.empty(norm.batches, x.shape[1])
    variances = torch.empty_like(means)
    _library().norm(norm.of(x), _is_half(x), *map(_at, (x, weight, bias, y, means, variances, *kept)))
    return y, means, variances


def normed_back(
    x: Tensor, weight: Tensor, bias: Tensor, means: Tensor, variances: Tensor, by_y: Tensor, norm: Norm
) -> tuple[Tensor, Tensor, Tensor]:
    """The derivatives by x, weight and bias."""
    x, by_y = (each.contiguous(memory_format=torch.channels_last) for each in (x, by_y))
    by_x, by_weight, by_bias = torch.empty_like(x), torch.zeros_like(means[0]), torch.zeros_like(means[0])
    given = x, weight, bias, means, variances, by_y
    _library().norm_back(norm.of(x), _is_half(x), *map(_at, (*given, by_x, by_weight, by_bias)))
    return by_x, by_weight, by_bias


def have_few(few: int, many: int, wide: int, dtype: torch.dtype) -> bool:
    """Whether there are kernels for layers with 4x4 ones and stride 2 of a few channels to many, and so wide there."""
    fit = dtype is torch.bfloat16 and are_for(many, dtype) and wide % LANES == 0
    return fit and 4 * few <= LANES and multiplies(dtype)


def few_small(large: Tensor, weight: Tensor) -> Tensor:
    """conv2d(large [B, L, 2 h, 2 w], weight [S, L, 4, 4], stride=2, padding=1): [B, S, h, w]."""
    (B, L, H, W), S = large.shape, len(weight)
    small = torch.empty(B, S, H // 2, W // 2, dtype=large.dtype, memory_format=torch.channels_last)
    given = large.contiguous(), weight.contiguous()
    _library().small_of_few(_few(B, L, small), *map(_at, given), _at(small))
    return small


def few_large(small: Tensor, weight: Tensor) -> Tensor:
    """conv_transpose2d(small [B, S, h, w], weight [S, L, 4, 4], stride=2, padding=1): [B, L, 2 h, 2 w]."""
    (B, _, h, w), L = small.shape, weight.shape[1]
    large = small.new_empty(B, L, 2 * h, 2 * w)
    given = small.contiguous(memory_format=torch.channels_last), weight.contiguous()
    _library().large_of_few(_few(B, L, small), *map(_at, given), _at(large))
    return large


def few_weight(small: Tensor, large: Tensor) -> Tensor:
    """What weight [S, L, 4, 4] sum(small * conv2d(large, weight, stride=2, padding=1)) grows with; float32."""
    (B, L), S = large.shape[:2], small.shape[1]
    weight = torch.zeros(L * 16, S)
    given = small.contiguous(memory_format=torch.channels_last), large.contiguous()
    _library().weight_of_few(_few(B, L, small), *map(_at, given), _at(weight))
    return weight.t().reshape(S, L, 4, 4)


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
class Waves:
    """What `fourier.Waves` is to the kernels."""

    columns: Frequencies
    rows: Frequencies
    three: int
    share: float
    products: int


class _Shape(ctypes.Structure):
    _fields_ = (
        *(
            (name, ctypes.c_int)
            for name in ("B", "H", "W", "C", "U", "V", "n", "m", "down", "across", "top", "left", "stride")
        ),
        ("next", ctypes.c_ssize_t),
    )


Kernel = Callable[[Any, int, bool, ctypes.c_void_p, ctypes.c_void_p], None]
"""(shape, which numbers are bfloat16, whether it goes back, given, made)."""


def _there(x: Tensor, tiles: Tiles, products: int, kernel: Kernel, dtype: torch.dtype) -> Tensor:
    x = (x.to(dtype) if _is_half(x) else x).contiguous(memory_format=torch.channels_last)
    rows, columns = len(x) * prod(tiles.counts), tiles.stride**2 * x.shape[1]
    parts = _matrices(products, rows, columns, dtype)
    kernel(_shape(x, tiles, parts), _half(x, parts), False, _at(x), _at(parts))
    return parts


def _back(parts: Tensor, tiles: Tiles, kernel: Kernel, dtype: torch.dtype) -> Tensor:
    shape = (parts.shape[1] // prod(tiles.counts), parts.shape[2] // tiles.stride**2, *tiles.sides)
    made = dtype if _is_half(parts) else parts.dtype
    x, parts = torch.empty(shape, dtype=made, memory_format=torch.channels_last), _with_gaps(parts)
    if not tiles.see_all:
        x.zero_()
    kernel(_shape(x, tiles, parts), _half(x, parts), True, _at(parts), _at(x))
    return x.to(dtype)


def _matrices(P: int, m: int, n: int, dtype: torch.dtype) -> Tensor:
    """[P, m, n], with gaps between where PyTorch, which copies such, does not multiply them."""
    gap = GAP if multiplies(dtype) else 0
    return torch.empty(P, m * n + gap, dtype=dtype)[:, : m * n].view(P, m, n)


def _with_gaps(parts: Tensor) -> Tensor:
    """Itself, if there are no gaps but between its matrices."""
    return parts if parts[0].is_contiguous() else parts.contiguous()


def _shape(x: Tensor, tiles: Tiles, parts: Tensor) -> Any:
    B, C, H, W = x.shape
    its = _Shape(B, H, W, C, *tiles.counts, *tiles.seen, *tiles.step, *tiles.padding, tiles.stride, parts.stride(0))
    return ctypes.byref(its)


def _half(x: Tensor, parts: Tensor) -> int:
    return int(_is_half(x)) + int(_is_half(parts))


def _squares(matrix: Tensor) -> Kernel:
    def kernel(its: Any, half: int, back: bool, given: ctypes.c_void_p, made: ctypes.c_void_p) -> None:
        failed = _library().squares(its, half, back, len(matrix), _at(matrix), given, made)
        assert not failed, matrix.shape

    return kernel


def _waves(waves: Waves) -> Kernel:
    def kernel(its: Any, half: int, back: bool, given: ctypes.c_void_p, made: ctypes.c_void_p) -> None:
        of = waves.three, ctypes.byref(waves.columns), ctypes.byref(waves.rows), ctypes.c_float(waves.share)
        _library().waves(its, half, back, *of, given, made)

    return kernel


class _Taps(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_int) for name in ("N", "h", "w", "H", "W", "rows", "columns", "stride", "up", "left")
    )


def _call_taps(parts: Tensor, y: Tensor, stride: int, padding: Sides, back: bool, given: Tensor, made: Tensor) -> None:
    its = _Taps(y.shape[0] * y.shape[1], *parts.shape[2:], *y.shape[2:], stride, *padding)
    _library().taps(ctypes.byref(its), _is_half(given), back, _at(given), _at(made))


class _Norm(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("batches", "rows", "C")),
        *((name, ctypes.c_float) for name in ("epsilon", "slope", "share")),
    )


class _Few(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int) for name in ("B", "L", "S", "h", "w"))


def _few(B: int, L: int, small: Tensor) -> Any:
    return ctypes.byref(_Few(B, L, *small.shape[1:]))


class _Matrices(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_int) for name in ("P", "m", "n", "k", "a_across", "b_across")),
        *((name, ctypes.c_ssize_t) for name in ("a_next", "b_next", "c_next")),
    )


def _along(x: Tensor) -> int | None:
    """How long rows are in matrices that have no gaps between them, or columns where those are rows in memory."""
    _, rows, columns = x.shape
    return {(columns, 1): columns, (1, rows): rows}.get((x.stride(1), x.stride(2)))


def _is_half(x: Tensor) -> bool:
    return x.dtype is torch.bfloat16


def _at(x: Tensor) -> ctypes.c_void_p:
    return ctypes.c_void_p(x.data_ptr())


def _library() -> ctypes.CDLL:
    found = library()
    assert found is not None  # as `fit` says
    return found


@cache
def library() -> ctypes.CDLL | None:
    """The kernels for this processor, if they have been compiled, and of the source as it is."""
    level = torch.backends.cpu.get_cpu_capability().lower()
    if level == "avx512" and cpu_has("avx512_bf16"):
        level = "avx512_bf16"
    folder = Path(__file__).parent
    try:
        for openmp in Path(torch.__file__).parent.glob("lib/libgomp*"):
            ctypes.CDLL(str(openmp), mode=ctypes.RTLD_GLOBAL)
        return ctypes.CDLL(str(folder / f"{level}-{version(folder)}.so"))
    except OSError:
        return None


def cpu_has(*abilities: str) -> bool:
    """Whether PyTorch, if it can tell, finds any of these in the processor."""
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(able.get(ability) for ability in abilities)
