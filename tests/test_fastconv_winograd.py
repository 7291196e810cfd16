"""Convolutions in 25 products of 64: the same numbers, derivatives and adjoints as PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ganache.fastconv import convolution, kernels, winograd
from ganache.fastconv.convolution import Conv2d, ConvTranspose2d

# large side [B, L, H, W], weight [S, L, 4, 4], small side [B, S, H/2, W/2]
L, S = 3, 5
SIDES = [(4, 4), (8, 16), (12, 8)]


def random(*shape: int) -> Tensor:
    return torch.randn(
        shape, dtype=torch.float64, generator=torch.Generator().manual_seed(len(shape)), requires_grad=True
    )


@pytest.mark.parametrize("sides", SIDES)
def test_it_is_the_convolution_and_so_are_its_gradients(sides: tuple[int, int]) -> None:
    x, weight = random(2, L, *sides), random(S, L, 4, 4)
    same(winograd.conv2d(x, weight), F.conv2d(x, weight, None, 2, 1), x, weight)


@pytest.mark.parametrize("sides", SIDES)
def test_it_is_the_transposed_convolution_and_so_are_its_gradients(sides: tuple[int, int]) -> None:
    x, weight = random(2, S, sides[0] // 2, sides[1] // 2), random(S, L, 4, 4)
    same(winograd.conv_transpose2d(x, weight), F.conv_transpose2d(x, weight, None, 2, 1), x, weight)


@pytest.mark.parametrize(("sides", "padding"), [((8, 8), 1), ((7, 13), 1), ((9, 4), 0), ((5, 6), 2)])
def test_with_kernels_of_3x3_it_is_the_convolution(sides: tuple[int, int], padding: int) -> None:
    x, weight = random(2, L, *sides), random(S, L, 3, 3)
    same(winograd.conv2d(x, weight, padding, 1), F.conv2d(x, weight, None, 1, padding), x, weight)


def same(y: Tensor, expected: Tensor, *inputs: Tensor) -> None:
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)
    g = torch.randn_like(y)
    for found, right in zip(*(torch.autograd.grad(each, inputs, g) for each in (y, expected)), strict=True):
        torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("function", "channels"), [(winograd.conv2d, 2), (winograd.conv_transpose2d, 3)])
def test_second_derivatives(function: Callable[[Tensor, Tensor], Tensor], channels: int) -> None:
    assert torch.autograd.gradgradcheck(function, (random(1, channels, 4, 4), random(3, 2, 4, 4)))


@pytest.mark.parametrize(("batch", "sides"), [(1, (4, 4)), (50, (8, 16)), (50, (9, 30))])
def test_each_map_has_its_adjoint(batch: int, sides: tuple[int, int]) -> None:
    """<there(x), y> = <x, back(y)>."""
    small = (sides[0] // 2, sides[1] // 2)
    for its in (*winograd.maps(batch, sides, small, 1, 2), *winograd.maps(batch, sides, sides, 1, 1)):
        x = random(2, 3, *its.tiles.sides).detach()
        image = its.there(x)
        y = torch.randn_like(image)
        torch.testing.assert_close((image * y).sum(), (x * its.back(y)).sum())


def test_25_products_stand_for_64() -> None:
    """In a step's three passes, maps aside."""
    counts, x, weight = [], random(50, L, 16, 16), random(S, L, 4, 4)
    for function in (winograd.conv2d, lambda x, weight: F.conv2d(x, weight, None, 2, 1)):
        with FlopCounterMode(display=False) as counter:
            function(x, weight).sum().backward()
        made = counter.get_flop_counts()["Global"]
        counts.append(sum(flops for operation, flops in made.items() if operation is not torch.ops.aten.mm))
    assert counts[0] * 64 == counts[1] * 25


@pytest.mark.parametrize(("taps", "m"), [(taps, m) for taps, each in winograd.POINTS.items() for m in each])
def test_their_points_lose_little_to_rounding(taps: int, m: int) -> None:
    """As each product sums what was rounded before, and so do the results."""
    of_places, of_taps, of_results = winograd.matrices(m, taps)
    one = torch.ones(m + taps - 1, dtype=torch.float64)
    assert all(each.abs().amax(1).allclose(one) for each in (of_places, of_taps))
    assert of_results.abs().max() < 3


@pytest.mark.parametrize("kind", [Conv2d, ConvTranspose2d])
def test_a_layer_of_many_channels_goes_this_way_but_not_beside_matrix_units(
    kind: type[nn.Conv2d], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("conv2d", "conv_transpose2d"):
        function = getattr(winograd, name)
        monkeypatch.setattr(winograd, name, lambda *a, f=function, n=name: (asked.append(n), f(*a))[1])

    def went(
        large: int, small: int, *, batch: int = 64, side: int = 8, in_bfloat16: bool = True, **changed: Any
    ) -> bool:
        asked.clear()
        channels = (large, small) if kind is Conv2d else (small, large)
        layer = kind(*channels, **{"kernel_size": 4, "stride": 2, "padding": 1} | changed)
        with torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16):
            layer(torch.randn(batch, channels[0], side, side)).float().sum().backward()
        return bool(asked)

    monkeypatch.setattr(convolution, "has_amx", lambda: False)
    for found in (kernels.library(), None):
        monkeypatch.setattr(kernels, "library", lambda found=found: found)
        fewest = max(winograd.FEWEST_CHANNELS.values()) if found else winograd.FEWEST_CHANNELS_OF_PYTORCH
        for in_bfloat16 in (True, False):
            assert went(fewest, fewest, in_bfloat16=in_bfloat16)
        assert went(fewest, fewest, padding=0, side=14)
        assert not went(fewest - 17, fewest)
        assert not went(fewest, fewest - 17)
        assert not went(fewest, fewest, batch=1)  # the kernel's map is as long for one
        assert not went(fewest, fewest, kernel_size=3)
        assert not went(fewest, fewest, stride=1)
        assert not went(fewest, fewest, padding=(1, 0), side=14)
        assert not went(fewest, fewest, groups=fewest)
    monkeypatch.setattr(convolution, "has_amx", lambda: True)
    assert not went(fewest, fewest)
    assert went(fewest, fewest, in_bfloat16=False)  # matrix units take no float32


@pytest.mark.parametrize("kind", [Conv2d, ConvTranspose2d])
def test_in_bfloat16_its_error_is_small_beside_the_numbers(
    kind: type[nn.Conv2d], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolution, "has_amx", lambda: False)
    torch.manual_seed(0)
    small, large = 256, 128
    layer = kind(*((large, small) if kind is Conv2d else (small, large)), 4, stride=2, padding=1, bias=False)
    x = torch.randn(64, layer.in_channels, 8, 8)
    seen = []
    for dtype in (torch.float32, torch.float64):
        layer.to(dtype).zero_grad()
        at = x.to(dtype, copy=True).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.float32):
            y = layer(at)
        (y.to(dtype) ** 2).sum().backward()
        seen.append((y.double(), at.grad.double(), layer.weight.grad.double()))
    for ours, true in zip(*seen, strict=True):
        error = (ours - true).norm() / true.norm()
        assert 0.001 < error < 0.02
