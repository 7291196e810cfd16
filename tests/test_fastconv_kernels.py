"""Kernels of our own: the maps that PyTorch's operations compute, bit by bit as far as rounding allows."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganache.fastconv import fourier, kernels, kn2row, upsample, winograd
from ganache.fastconv.fourier import Waved
from ganache.fastconv.kernels import loading
from ganache.fastconv.linear_function import products
from ganache.fastconv.tiles import Tiles
from ganache.fastconv.winograd import Squared

pytestmark = pytest.mark.skipif(kernels.library() is None, reason="no kernels for this processor have been compiled")

EPSILON = {torch.float32: 2e-6, torch.bfloat16: 2**-8}


def cases() -> list[tuple[int, int, Squared]]:
    """B, C, and a map: of layers whose tiles fit, reach beyond the picture or do not see its last row."""
    found = []
    for batch, channels, large, padding in (
        (3, 16, (16, 24), 1),  # a quarter or half of a line of the cache
        (1, 48, (18, 10), 1),  # one and a half lines, and one picture for all cores
        (2, 32, (9, 15), 0),  # the last row is not seen
        (2, 80, (62, 6), 0),
        (3, 272, (4, 4), 1),
        (2, 16, (34, 200), 3),
    ):
        for stride, kernel in ((2, 4), (1, 3)):
            small = ((large[0] + 2 * padding - kernel) // stride + 1, (large[1] + 2 * padding - kernel) // stride + 1)
            for many in (1, 1000):  # results two by two, and four by four
                found += [(batch, channels, each) for each in winograd.maps(many, large, small, padding, stride)]
    return found


@pytest.mark.parametrize("dtype", EPSILON)
@pytest.mark.parametrize(("batch", "channels", "its"), cases())
def test_a_map_and_its_adjoint_are_pytorchs(batch: int, channels: int, its: Squared, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x = torch.randn(batch, channels, *its.tiles.sides).to(dtype)
    parts = kernels.mapped(x, its.tiles, its.kernel, dtype)
    near(parts, its.there(x.double()))
    back = kernels.unmapped(parts, its.tiles, its.kernel, dtype)
    near(back, its.back(parts.double()))
    assert back.is_contiguous(memory_format=torch.channels_last)
    assert parts.dtype is back.dtype is dtype


def near(found: Tensor, right: Tensor) -> None:
    """Sums are float32, so that only what they come to is rounded."""
    assert found.shape == right.shape
    epsilon = EPSILON[found.dtype]
    torch.testing.assert_close(found.double(), right, rtol=epsilon, atol=3e-6 * right.abs().max().item())


@pytest.mark.parametrize(("batch", "channels", "its"), cases())
def test_bfloat16_is_made_of_float32_and_back(batch: int, channels: int, its: Squared) -> None:
    """As of weights, whose products are bfloat16 and whose gradients are float32."""
    torch.manual_seed(0)
    x = torch.randn(batch, channels, *its.tiles.sides)
    parts = its.there(x, torch.bfloat16)
    assert parts.dtype is torch.bfloat16
    near(parts, its.there(x.double()))
    back = its.back(parts, torch.float32)
    assert back.dtype is torch.float32
    near(back, its.back(parts.double()))


def test_of_any_order_in_memory() -> None:
    its = winograd.maps(100, (8, 8), (4, 4), 1, 2)[0]
    x = torch.randn(2, 16, 8, 8)
    as_they_are, moved = x.to(memory_format=torch.channels_last), x.transpose(2, 3).contiguous().transpose(2, 3)
    assert not moved.is_contiguous()
    parts = its.there(as_they_are)
    assert its.there(x).equal(parts)
    assert its.there(moved).equal(parts)
    assert its.back(parts.transpose(0, 1).contiguous().transpose(0, 1)).equal(its.back(parts))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", EPSILON)
def test_what_is_no_number_stays_none(wrong: float, dtype: torch.dtype) -> None:
    its = winograd.maps(100, (8, 8), (4, 4), 1, 2)[0]
    x = torch.zeros(1, 16, 8, 8, dtype=dtype)
    x[0, 3, 4, 4] = wrong
    parts = its.there(x).unflatten(2, (4, 16))
    assert not parts[..., 3].isfinite().all()
    assert parts[..., 4].isfinite().all()


def test_each_core_takes_tiles_of_its_own() -> None:
    its, before = winograd.maps(100, (32, 32), (16, 16), 1, 2)[0], torch.get_num_threads()
    x = torch.randn(5, 48, 32, 32)
    parts = its.there(x)
    back = its.back(parts)
    try:
        torch.set_num_threads(3)
        assert its.there(x).equal(parts)
        torch.testing.assert_close(its.back(parts), back)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("capability", ["avx2", "avx512", "avx512_bf16"])
def test_the_processor_decides_which(capability: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot run here is not tried."""
    usable = ["default", "avx2", "avx512"]
    here = torch.backends.cpu.get_cpu_capability().lower()
    has = capability in usable[: usable.index(here) + 1] or (here == "avx512" and kernels.cpu_has(capability))
    if not has:
        pytest.skip(f"this processor has no {capability}")
    its = winograd.maps(100, (8, 8), (4, 4), 1, 2)[0]
    x = torch.randn(2, 48, 8, 8)
    here_made = its.there(x)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability.split("_")[0].upper())
    monkeypatch.setattr(loading, "cpu_has", lambda *abilities: capability in abilities)
    kernels.library.cache_clear()
    try:
        found = kernels.library()
        assert found is not None
        assert f"/{capability}-" in found._name
        torch.testing.assert_close(its.there(x), here_made)
        assert its.there(x.bfloat16()).float().sub(here_made).abs().max() < 0.1
    finally:
        kernels.library.cache_clear()


def test_sizes_without_a_kernel_are_an_error() -> None:
    its = kernels.Squares(torch.ones(7, 7))
    with pytest.raises(AssertionError):
        kernels.mapped(torch.ones(1, 16, 8, 8), Tiles((8, 8), (1, 1), (7, 7), (6, 6)), its, torch.float32)


WAVES = [  # batch, channels, sides, kernel: tiles that fit, that reach beyond the picture, one tile, odd circles
    (3, 16, (32, 48), (5, 5)),
    (1, 48, (33, 18), (7, 5)),
    (2, 80, (7, 9), (3, 3)),
    (2, 16, (1, 40), (1, 3)),
]


@pytest.mark.parametrize("dtype", EPSILON)
@pytest.mark.parametrize(("batch", "channels", "sides", "kernel"), WAVES)
def test_frequencies_are_pytorchs(
    batch: int, channels: int, sides: tuple[int, int], kernel: tuple[int, int], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    places, results = fourier.tiled(sides, kernel)
    seen = [range(-pad, n - pad) for n, pad in zip(places.seen, places.padding, strict=True)]
    made = [range(n) for n in results.seen]
    maps = fourier.correlation(places.seen, kernel, seen, made)
    for waves, tiles in zip(maps, (places, Tiles(kernel, (1, 1), kernel, kernel), results), strict=True):
        both_ways(Waved(waves, tiles), batch, channels, dtype)


@pytest.mark.parametrize("dtype", EPSILON)
def test_frequencies_of_a_doubled_picture_are_pytorchs(dtype: torch.dtype) -> None:
    """Whose cosines and sines have nothing in common any more."""
    of_places, _, of_results = upsample.doubled((7, 6), (5, 5))
    both_ways(Waved(of_places, Tiles((7, 6), (1, 1), (7, 6), (7, 6))), 3, 32, dtype)
    both_ways(Waved(of_results, Tiles((14, 12), (1, 1), (14, 12), (14, 12))), 3, 32, dtype)


def both_ways(its: Waved, batch: int, channels: int, dtype: torch.dtype) -> None:
    x = torch.randn(batch, channels, *its.tiles.sides).to(dtype)
    parts = kernels.mapped(x, its.tiles, its.kernel, dtype)
    near(parts, its.there(x.double()))
    near(kernels.unmapped(parts, its.tiles, its.kernel, dtype), its.back(parts.double()))


TAPS = [  # kernel, sides of the places, stride, padding
    ((7, 7), (16, 32), 1, (3, 3)),
    ((3, 5), (5, 19), 1, (1, 2)),
    ((1, 1), (3, 3), 1, (0, 0)),
    ((9, 9), (2, 2), 1, (4, 4)),
    ((4, 4), (8, 32), 2, (1, 1)),
    ((5, 3), (7, 9), 3, (2, 0)),
]


@pytest.mark.parametrize("dtype", EPSILON)
@pytest.mark.parametrize(("kernel", "places", "stride", "padding"), TAPS)
def test_sums_of_taps_are_pytorchs(
    kernel: tuple[int, int], places: tuple[int, int], stride: int, padding: tuple[int, int], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    parts = torch.randn(2, 3, *kernel, *places).to(dtype)
    h, w = (stride * (n - 1) + k - 2 * pad for n, k, pad in zip(places, kernel, padding, strict=True))
    near(kernels.folded(parts, (h, w), stride, padding), kn2row.folded(parts.double(), (h, w), stride, padding))
    y = torch.randn(2, 3, h, w).to(dtype)
    seen = kernels.unfolded(y, kernel, places, stride, padding)
    assert seen.equal(kn2row.unfolded(y.double(), kernel, places, stride, padding).to(dtype))


MATRICES = [  # matrices, m, k, n: rows of results eight by eight or fewer, columns in twos of sixteen and one more
    (3, 40, 64, 96),
    (1, 7, 16, 48),
    (5, 16, 33, 16),  # of numbers that are summed across rows, an odd one
    (2, 1, 48, 32),
    (9, 128, 304, 256),
]


@pytest.mark.parametrize("dtype", EPSILON)
@pytest.mark.parametrize(("many", "m", "k", "n"), MATRICES)
@pytest.mark.parametrize("a_across", [False, True])
@pytest.mark.parametrize("b_across", [False, True])
def test_products_are_pytorchs(
    many: int, m: int, k: int, n: int, a_across: bool, b_across: bool, dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    a = (torch.randn(many, k, m).mT if a_across else torch.randn(many, m, k)).to(dtype)
    b = (torch.randn(many, k, n) if b_across else torch.randn(many, n, k).mT).to(dtype)
    whole = (m if a_across else k) % 16 == 0 and (b_across or k % 16 == 0)
    if not kernels.multiplies(dtype):
        pytest.skip("this processor has none")
    assert kernels.can_multiply(a, b) == whole
    if whole:
        near(kernels.multiplied(a, b), torch.bmm(a.double(), b.double()))
    near(products(a, b), torch.bmm(a.double(), b.double()))


def test_a_matrix_that_all_have_in_common() -> None:
    a, b = torch.randn(1, 48, 16).expand(5, -1, -1), torch.randn(5, 32, 16).mT
    torch.testing.assert_close(products(a, b), a @ b)
    torch.testing.assert_close(products(b.mT, a.mT), b.mT @ a.mT)


@pytest.mark.parametrize("a_across", [False, True])
@pytest.mark.parametrize("b_across", [False, True])
def test_gradients_of_products_lie_as_their_factors(a_across: bool, b_across: bool) -> None:
    a = (torch.randn(3, 32, 16).mT if a_across else torch.randn(3, 16, 32)).requires_grad_()
    b = (torch.randn(3, 32, 48) if b_across else torch.randn(3, 48, 32).mT).requires_grad_()
    g = torch.randn(3, 16, 48)
    found = torch.autograd.grad(products(a, b), (a, b), g, create_graph=True)
    right = torch.autograd.grad(a @ b, (a, b), g, create_graph=True)
    for one, other, factor in zip(found, right, (a, b), strict=True):
        torch.testing.assert_close(one, other)
        assert one.stride()[1:] == factor.stride()[1:]
    again, too = (torch.autograd.grad(sum(each.square().sum() for each in of), (a, b)) for of in (found, right))
    torch.testing.assert_close(again, too)


def test_products_of_double_precision_are_exact() -> None:
    factors = torch.randn(2, 3, 4, dtype=torch.double).requires_grad_(), torch.randn(2, 4, 5, dtype=torch.double)
    assert torch.autograd.gradgradcheck(products, (factors[0], factors[1].requires_grad_()))
