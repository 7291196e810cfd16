"""Convolutions in nine products of sixteen: the same numbers, derivatives and adjoints as PyTorch's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ganache.networks import convolution, strided, winograd
from ganache.networks.convolution import Conv2d, ConvTranspose2d
from ganache.networks.linear import Map

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


def same(y: Tensor, expected: Tensor, *inputs: Tensor) -> None:
    torch.testing.assert_close(y, expected, rtol=1e-12, atol=1e-12)
    g = torch.randn_like(y)
    for found, right in zip(*(torch.autograd.grad(each, inputs, g) for each in (y, expected)), strict=True):
        torch.testing.assert_close(found, right, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("function", "channels"), [(winograd.conv2d, 2), (winograd.conv_transpose2d, 3)])
def test_second_derivatives(function: Callable[[Tensor, Tensor], Tensor], channels: int) -> None:
    assert torch.autograd.gradgradcheck(function, (random(1, channels, 4, 4), random(3, 2, 4, 4)))


PAIRS = [
    (winograd.differences, winograd.overlapped, (2, 3, 8, 12)),
    (winograd.sums, winograd.unsummed, (3, 2, 4, 4)),
    (winograd.spread, winograd.joined, (2, 3, 4, 6)),
]


@pytest.mark.parametrize(("there", "back", "shape"), PAIRS)
def test_each_map_has_its_adjoint(there: Map, back: Map, shape: tuple[int, ...]) -> None:
    """<there(x), y> = <x, back(y)>."""
    x = random(*shape).detach()
    image = there(x)
    y = torch.randn_like(image)
    torch.testing.assert_close((image * y).sum(), (x * back(y)).sum())


def test_nine_products_stand_for_sixteen() -> None:
    counts = []
    for function in (winograd.conv2d, lambda x, weight: F.conv2d(x, weight, None, 2, 1)):
        x, weight = random(2, L, 8, 8), random(S, L, 4, 4)
        with FlopCounterMode(display=False) as counter:
            function(x, weight).sum().backward()
        counts.append(counter.get_total_flops())
    assert counts[0] * 16 == counts[1] * 9


@pytest.mark.parametrize("kind", [Conv2d, ConvTranspose2d])
def test_a_layer_of_many_channels_goes_this_way_but_not_beside_matrix_units(
    kind: type[nn.Conv2d], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("conv2d", "conv_transpose2d"):
        function = getattr(winograd, name)
        monkeypatch.setattr(winograd, name, lambda *a, f=function, n=name: (asked.append(n), f(*a))[1])

    def went(large: int, small: int, side: int = 8) -> bool:
        asked.clear()
        channels = (large, small) if kind is Conv2d else (small, large)
        layer = kind(*channels, 4, stride=2, padding=1)
        with torch.autocast("cpu", torch.bfloat16):
            layer(torch.randn(1, channels[0], side, side)).float().sum().backward()
        return bool(asked)

    monkeypatch.setattr(convolution, "has_amx", lambda: False)
    small, large = strided.FEWEST_FOR_WINOGRAD
    assert went(large, small)
    assert not went(large - 1, small)
    assert not went(large, small - 1)
    if kind is Conv2d:
        assert not went(large, small, side=10)  # to 5, and two neighbours are made together
    monkeypatch.setattr(convolution, "has_amx", lambda: True)
    assert not went(large, small)


@pytest.mark.parametrize("kind", [Conv2d, ConvTranspose2d])
def test_in_bfloat16_its_error_is_small_beside_the_numbers(
    kind: type[nn.Conv2d], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolution, "has_amx", lambda: False)
    torch.manual_seed(0)
    small, large = 256, 128
    layer = kind(*((large, small) if kind is Conv2d else (small, large)), 4, stride=2, padding=1, bias=False)
    x = torch.randn(4, layer.in_channels, 8, 8)
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
