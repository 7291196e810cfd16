"""The compiled kernels compute what PyTorch's operations compute, as far as rounding allows."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganache.fastconv import fourier, kernels, tap_sums, upsample, winograd
from ganache.fastconv.kernels import loading
from ganache.fastconv.linear_function import batched_matmul
from ganache.fastconv.real_dft import TiledDft
from ganache.fastconv.tiles import Tiles
from ganache.fastconv.winograd import TiledWinograd

# With GANACHE_REQUIRE_KERNELS=1 `library` raises where there are none, so this file then fails instead of skipping.
pytestmark = pytest.mark.skipif(kernels.library() is None, reason="no kernels compiled for this processor")

EPSILON = {torch.float32: 2e-6, torch.bfloat16: 2**-8}


def cases() -> list[tuple[int, int, TiledWinograd]]:
    """B, C, and a transform: of layers whose tiles fit, reach outside the image or leave out transform last row."""
    found = []
    for batch, channels, large, padding in (
        (3, 16, (16, 24), 1),  # a quarter or half of a line of the cache
        (1, 48, (18, 10), 1),  # one and a half lines, and one image for all cores
        (2, 32, (9, 15), 0),  # the last row is in no tile
        (2, 80, (62, 6), 0),
        (3, 272, (4, 4), 1),
        (2, 16, (34, 200), 3),
    ):
        for stride, kernel in ((2, 4), (1, 3)):
            small = ((large[0] + 2 * padding - kernel) // stride + 1, (large[1] + 2 * padding - kernel) // stride + 1)
            for many in (1, 1000):  # 2 x 2 outputs per tile, and 4 x 4
                found += [(batch, channels, each) for each in winograd.transforms(many, large, small, padding, stride)]
    return found


@pytest.mark.parametrize("dtype", EPSILON)
@pytest.mark.parametrize(("batch", "channels", "transform"), cases())
def test_a_transform_and_its_adjoint_are_pytorchs(
    batch: int, channels: int, transform: TiledWinograd, dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    x = torch.randn(batch, channels, *transform.tiles.sides).to(dtype)
    parts = kernels.transform(x, transform.tiles, transform.kernel, dtype)
    near(parts, transform.forward(x.double()))
    back = kernels.transform_adjoint(parts, transform.tiles, transform.kernel, dtype)
    near(back, transform.adjoint(parts.double()))
    assert back.is_contiguous(memory_format=torch.channels_last)
    assert parts.dtype is back.dtype is dtype


def near(found: Tensor, right: Tensor) -> None:
    """Sums are float32, so only the result is rounded."""
    assert found.shape == right.shape
    epsilon = EPSILON[found.dtype]
    torch.testing.assert_close(found.double(), right, rtol=epsilon, atol=3e-6 * right.abs().max().item())


@pytest.mark.parametrize(("batch", "channels", "transform"), cases())
def test_bfloat16_from_float32_and_back(batch: int, channels: int, transform: TiledWinograd) -> None:
    """As for weights, whose transform is bfloat16 and whose gradient is float32."""
    torch.manual_seed(0)
    x = torch.randn(batch, channels, *transform.tiles.sides)
    parts = transform.forward(x, torch.bfloat16)
    assert parts.dtype is torch.bfloat16
    near(parts, transform.forward(x.double()))
    back = transform.adjoint(parts, torch.float32)
    assert back.dtype is torch.float32
    near(back, transform.adjoint(parts.double()))


def test_any_memory_layout() -> None:
    transform = winograd.transforms(100, (8, 8), (4, 4), 1, 2)[0]
    x = torch.randn(2, 16, 8, 8)
    as_they_are, moved = x.to(memory_format=torch.channels_last), x.transpose(2, 3).contiguous().transpose(2, 3)
    assert not moved.is_contiguous()
    parts = transform.forward(as_they_are)
    assert transform.forward(x).equal(parts)
    assert transform.forward(moved).equal(parts)
    assert transform.adjoint(parts.transpose(0, 1).contiguous().transpose(0, 1)).equal(transform.adjoint(parts))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", EPSILON)
def test_nan_and_infinity_do_not_disappear(wrong: float, dtype: torch.dtype) -> None:
    transform = winograd.transforms(100, (8, 8), (4, 4), 1, 2)[0]
    x = torch.zeros(1, 16, 8, 8, dtype=dtype)
    x[0, 3, 4, 4] = wrong
    parts = transform.forward(x).unflatten(2, (4, 16))
    assert not parts[..., 3].isfinite().all()
    assert parts[..., 4].isfinite().all()


def test_the_number_of_threads_changes_nothing() -> None:
    transform, before = winograd.transforms(100, (32, 32), (16, 16), 1, 2)[0], torch.get_num_threads()
    x = torch.randn(5, 48, 32, 32)
    parts = transform.forward(x)
    back = transform.adjoint(parts)
    try:
        torch.set_num_threads(3)
        assert transform.forward(x).equal(parts)
        torch.testing.assert_close(transform.adjoint(parts), back)
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("capability", ["avx2", "avx512", "avx512_bf16"])
def test_the_processor_decides_which_file_is_loaded(capability: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels that cannot run here are not loaded."""
    usable = ["default", "avx2", "avx512"]
    here = torch.backends.cpu.get_cpu_capability().lower()
    has = capability in usable[: usable.index(here) + 1] or (here == "avx512" and kernels.cpu_has(capability))
    if not has:
        pytest.skip(f"this processor has no {capability}")
    transform = winograd.transforms(100, (8, 8), (4, 4), 1, 2)[0]
    x = torch.randn(2, 48, 8, 8)
    here_made = transform.forward(x)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability.split("_")[0].upper())
    monkeypatch.setattr(loading, "cpu_has", lambda *abilities: capability in abilities)
    kernels.library.cache_clear()
    try:
        found = kernels.library()
        assert found is not None
        assert f"/{capability}-" in found._name
        torch.testing.assert_close(transform.forward(x), here_made)
        assert transform.forward(x.bfloat16()).float().sub(here_made).abs().max() < 0.1
    finally:
        kernels.library.cache_clear()


def test_sizes_without_a_kernel_are_an_error() -> None:
    transform = kernels.WinogradTransform(torch.ones(7, 7))
    with pytest.raises(AssertionError):
        kernels.transform(torch.ones(1, 16, 8, 8), Tiles((8, 8), (1, 1), (7, 7), (6, 6)), transform, torch.float32)


DFTS = [  # batch, channels, sides, kernel: tiles that fit, that reach outside the image, one tile, odd lengths
    (3, 16, (32, 48), (5, 5)),
    (1, 48, (33, 18), (7, 5)),
    (2, 80, (7, 9), (3, 3)),
    (2, 16, (1, 40), (1, 3)),
]


@pytest.mark.parametrize("dtype", EPSILON)
@pytest.mark.parametrize(("batch", "channels", "sides", "kernel"), DFTS)
def test_the_dft_is_pytorchs(
    batch: int, channels: int, sides: tuple[int, int], kernel: tuple[int, int], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    dfts, image, output = fourier.transforms(sides, kernel)
    for dft, tiles in zip(dfts, (image, Tiles(kernel, (1, 1), kernel, kernel), output), strict=True):
        both_ways(TiledDft(dft, tiles), batch, channels, dtype)


@pytest.mark.parametrize("dtype", EPSILON)
def test_the_dft_of_a_doubled_image_is_pytorchs(dtype: torch.dtype) -> None:
    """Its cosines and sines have no mirrored positions any more."""
    image, _, output = upsample.doubled_dfts((7, 6), (5, 5))
    both_ways(TiledDft(image, Tiles((7, 6), (1, 1), (7, 6), (7, 6))), 3, 32, dtype)
    both_ways(TiledDft(output, Tiles((14, 12), (1, 1), (14, 12), (14, 12))), 3, 32, dtype)


def both_ways(transform: TiledDft, batch: int, channels: int, dtype: torch.dtype) -> None:
    x = torch.randn(batch, channels, *transform.tiles.sides).to(dtype)
    parts = kernels.transform(x, transform.tiles, transform.kernel, dtype)
    near(parts, transform.forward(x.double()))
    near(kernels.transform_adjoint(parts, transform.tiles, transform.kernel, dtype), transform.adjoint(parts.double()))


TAPS = [  # kernel, sides of the input, stride, padding
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
    near(kernels.fold(parts, (h, w), stride, padding), tap_sums.fold(parts.double(), (h, w), stride, padding))
    y = torch.randn(2, 3, h, w).to(dtype)
    seen = kernels.unfold(y, kernel, places, stride, padding)
    assert seen.equal(tap_sums.unfold(y.double(), kernel, places, stride, padding).to(dtype))


MATRICES = [  # matrices, m, k, n: whole tiles of 8 rows and 32 columns, and incomplete ones
    (3, 40, 64, 96),
    (1, 7, 16, 48),
    (5, 16, 33, 16),  # an odd number of summands
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
    if not kernels.has_fast_products(dtype):
        pytest.skip("PyTorch multiplies faster on this processor")
    assert kernels.supports_bmm(a, b) == whole
    if whole:
        near(kernels.bmm(a, b), torch.bmm(a.double(), b.double()))
    near(batched_matmul(a, b), torch.bmm(a.double(), b.double()))


def test_a_matrix_that_is_expanded() -> None:
    a, b = torch.randn(1, 48, 16).expand(5, -1, -1), torch.randn(5, 32, 16).mT
    torch.testing.assert_close(batched_matmul(a, b), a @ b)
    torch.testing.assert_close(batched_matmul(b.mT, a.mT), b.mT @ a.mT)


@pytest.mark.parametrize("a_across", [False, True])
@pytest.mark.parametrize("b_across", [False, True])
def test_a_gradient_has_the_memory_layout_of_its_factor(a_across: bool, b_across: bool) -> None:
    a = (torch.randn(3, 32, 16).mT if a_across else torch.randn(3, 16, 32)).requires_grad_()
    b = (torch.randn(3, 32, 48) if b_across else torch.randn(3, 48, 32).mT).requires_grad_()
    g = torch.randn(3, 16, 48)
    found = torch.autograd.grad(batched_matmul(a, b), (a, b), g, create_graph=True)
    right = torch.autograd.grad(a @ b, (a, b), g, create_graph=True)
    for one, other, factor in zip(found, right, (a, b), strict=True):
        torch.testing.assert_close(one, other)
        assert one.stride()[1:] == factor.stride()[1:]
    again, too = (torch.autograd.grad(sum(each.square().sum() for each in of), (a, b)) for of in (found, right))
    torch.testing.assert_close(again, too)


def test_products_of_double_precision_are_exact() -> None:
    factors = torch.randn(2, 3, 4, dtype=torch.double).requires_grad_(), torch.randn(2, 4, 5, dtype=torch.double)
    assert torch.autograd.gradgradcheck(batched_matmul, (factors[0], factors[1].requires_grad_()))
