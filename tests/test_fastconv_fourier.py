"""Convolutions by frequencies: the same numbers, derivatives and adjoints as PyTorch's, from fewer products."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ganache.fastconv import convolution, fourier, kn2row
from ganache.fastconv.convolution import Conv2d
from ganache.fastconv.fourier import OF_PLACES, OF_RESULTS, OF_TAPS, tiled, waves
from ganache.fastconv.linear_function import Map


def random(*shape: int) -> Tensor:
    return torch.randn(
        shape, dtype=torch.float64, generator=torch.Generator().manual_seed(len(shape)), requires_grad=True
    )


CASES = [
    ((16, 16), (5, 5)),  # one tile
    ((32, 48), (5, 5)),  # several
    ((7, 9), (3, 3)),  # odd circles
    ((33, 18), (7, 5)),  # tiles beyond the picture, another kernel down than across
    ((1, 40), (1, 3)),
]


@pytest.mark.parametrize(("sides", "kernel"), CASES)
@pytest.mark.parametrize("function", [fourier.conv2d, kn2row.conv2d])
def test_it_is_the_convolution_and_so_are_its_gradients(
    function: type[Map], sides: tuple[int, int], kernel: tuple[int, int]
) -> None:
    x, weight = random(2, 3, *sides), random(4, 3, *kernel)
    y, expected = function(x, weight), F.conv2d(x, weight, padding="same")
    torch.testing.assert_close(y, expected, rtol=1e-11, atol=1e-11)
    g = torch.randn_like(y)
    for found, right in zip(*(torch.autograd.grad(each, [x, weight], g) for each in (y, expected)), strict=True):
        torch.testing.assert_close(found, right, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("function", [fourier.conv2d, kn2row.conv2d])
def test_second_derivatives(function: type[Map]) -> None:
    assert torch.autograd.gradgradcheck(function, (random(1, 2, 4, 3), random(2, 2, 3, 3)))


@pytest.mark.parametrize("lengths", [(8, 7), (5, 6)])
@pytest.mark.parametrize("three", [OF_PLACES, OF_TAPS, OF_RESULTS])
def test_each_map_has_its_adjoint(lengths: tuple[int, int], three: fourier.Three) -> None:
    """<there(x), y> = <x, back(y)>."""
    maps = waves(lengths, range(-1, 4), range(3), three)
    x, y = random(5, 3, 2).detach(), random(len(maps), 2).detach()
    torch.testing.assert_close((maps.there(x) * y).sum(), (x * maps.back(y)).sum())


@pytest.mark.parametrize(("sides", "kernel"), CASES)
def test_tiles_are_put_together_by_the_adjoint(sides: tuple[int, int], kernel: tuple[int, int]) -> None:
    x = random(2, 3, *sides).detach()
    places, results = tiled(sides, kernel)
    for tiles in (places, results):
        parts = tiles.cut(x)
        y = torch.randn_like(parts)
        torch.testing.assert_close((parts * y).sum(), (x * tiles.pasted(y)).sum())
    torch.testing.assert_close(results.pasted(results.cut(x)), x)


def test_a_picture_of_real_numbers_takes_as_many_products_as_half_its_frequencies() -> None:
    """Of 400 places 4 frequencies are real, and 396 are two by two each other's mirror image: 4 + 3 * 198."""
    assert len(waves((20, 20), range(20), range(20), OF_PLACES)) == 4 + 3 * 198


def test_a_wide_layer_takes_a_sixth_of_the_arithmetic_maps_included() -> None:
    counts = []
    for function in (fourier.conv2d, lambda x, weight: F.conv2d(x, weight, padding="same")):
        x, weight = (torch.randn(size, requires_grad=True) for size in ((4, 256, 32, 32), (256, 256, 5, 5)))
        with FlopCounterMode(display=False) as counter:
            function(x, weight).sum().backward()
        counts.append(counter.get_total_flops())
    assert counts[0] * 6 < counts[1]


WIDE, LARGE = 64, 128  # 5x5 kernels of so many channels pay, from so large a picture


def layer_and_picture(outputs: int = WIDE, inputs: int = WIDE) -> tuple[Conv2d, Tensor]:
    torch.manual_seed(0)
    layer = Conv2d(inputs, outputs, 5, padding=2)
    return layer, torch.randn(1, inputs, LARGE, LARGE).to(memory_format=torch.channels_last)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The faster forms that are asked for."""
    names: list[str] = []
    for module, name in ((fourier, "frequencies"), (kn2row, "taps")):
        monkeypatch.setattr(module, "conv2d", lambda *a, f=module.conv2d, n=name: (names.append(n), f(*a))[1])
    monkeypatch.setattr(convolution, "has_amx", lambda: False)
    return names


def test_wide_layers_of_large_pictures_go_this_way_and_no_others(
    asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, x = layer_and_picture()
    layer(x)
    assert asked.pop() == "frequencies"
    few, many = layer_and_picture(outputs=3, inputs=128)
    few(many)
    assert asked.pop() == "taps"
    layer(x[:, :, :64])  # few places, as in one small picture
    Conv2d(8, 8, 5, padding=2)(torch.randn(16, 8, 64, 64))
    Conv2d(WIDE, WIDE, 5)(x)
    Conv2d(WIDE, WIDE, 5, padding=2, stride=2)(x)
    Conv2d(WIDE, WIDE, 5, padding=2, groups=2)(x)
    assert not asked
    monkeypatch.setattr(convolution, "has_amx", lambda: True)
    with torch.autocast("cpu", torch.bfloat16):
        layer(x)
    assert not asked
    layer(x)  # matrix units take no float32
    assert asked == ["frequencies"]


def test_what_is_exported_is_of_plain_convolutions(asked: list[str]) -> None:
    layer, x = layer_and_picture()
    program = torch.export.export(layer, (x,))
    assert not asked
    assert "conv2d" in str(program.graph)


@pytest.mark.parametrize(("outputs", "inputs"), [(WIDE, WIDE), (3, 128)])
@pytest.mark.parametrize("in_bfloat16", [False, True])
def test_a_layer_is_pytorchs_to_rounding(asked: list[str], outputs: int, inputs: int, in_bfloat16: bool) -> None:
    """With an activation that writes into what it makes, and gradients."""
    layer, x = layer_and_picture(outputs, inputs)
    seen = []
    for dtype in (torch.float32, torch.float64):
        net = nn.Sequential(layer, nn.LeakyReLU(0.3, inplace=True)).to(dtype)
        net.zero_grad()
        at = x.to(dtype, copy=True).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=in_bfloat16 and dtype is torch.float32):
            y = net(at) if dtype is torch.float32 else net[1](F.conv2d(at, layer.weight, layer.bias, padding=2))
        (y.to(dtype) ** 2).sum().backward()
        assert layer.bias is not None
        gradients = [each.grad.double() for each in (at, layer.weight, layer.bias)]
        seen.append([y.double(), *(g.clone() for g in gradients)])
    assert len(asked) == 1
    for ours, true in zip(*seen, strict=True):
        error = float(((ours - true).norm() / true.norm()).detach())
        assert 0.001 < error < 0.02 if in_bfloat16 else error < 3e-6


def test_many_pictures_are_done_in_parts(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the maps make is several times as large as the pictures."""
    layer, x = layer_and_picture()
    x = torch.cat([x, 2 * x, -x]).contiguous(memory_format=torch.channels_last)
    together = layer(x)
    monkeypatch.setattr(convolution, "MOST_TOGETHER", 2 * WIDE * LARGE**2)
    asked.clear()
    y = layer(x)
    assert asked == ["frequencies"] * 2
    torch.testing.assert_close(y, together)
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_channels_stay_last() -> None:
    y = fourier.conv2d(torch.randn(2, 4, 8, 8).to(memory_format=torch.channels_last), torch.randn(3, 4, 3, 3))
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert [a >= b for a, b in pairwise(y.permute(0, 2, 3, 1).stride())] == [True] * 3
