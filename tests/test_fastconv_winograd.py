"""The form "winograd": convolutions with 25 of 64 multiplications, derivatives and adjoints equal PyTorch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ganache.fastconv import Conv2d, ConvTranspose2d, cpu, explain, winograd
from ganache.fastconv.choose import choose

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
def test_each_transform_has_its_adjoint(batch: int, sides: tuple[int, int]) -> None:
    """<forward(x), y> = <x, adjoint(y)>."""
    small = (sides[0] // 2, sides[1] // 2)
    for each in (*winograd.transforms(batch, sides, small, 1, 2), *winograd.transforms(batch, sides, sides, 1, 1)):
        x = random(2, 3, *each.tiles.sides).detach()
        parts = each.forward(x)
        y = torch.randn_like(parts)
        torch.testing.assert_close((parts * y).sum(), (x * each.adjoint(y)).sum())


def test_25_multiplications_replace_64() -> None:
    """Forward and both gradients, without the transforms."""
    counts, x, weight = [], random(50, L, 16, 16), random(S, L, 4, 4)
    for function in (winograd.conv2d, lambda x, weight: F.conv2d(x, weight, None, 2, 1)):
        with FlopCounterMode(display=False) as counter:
            function(x, weight).sum().backward()
        made = counter.get_flop_counts()["Global"]
        counts.append(sum(flops for operation, flops in made.items() if operation is not torch.ops.aten.mm))
    assert counts[0] * 64 == counts[1] * 25


@pytest.mark.parametrize(("taps", "m"), [(taps, m) for taps, each in winograd.POINTS.items() for m in each])
def test_the_points_lose_little_precision(taps: int, m: int) -> None:
    """Rows with a largest number of 1 keep all products of about equal size."""
    image, kernel, output = winograd.matrices(m, taps)
    one = torch.ones(m + taps - 1, dtype=torch.float64)
    assert all(each.abs().amax(1).allclose(one) for each in (image, kernel))
    assert output.abs().max() < 3


KERNELS, NO_KERNELS, AMX = (
    cpu.Processor(False, True, True),
    cpu.Processor(False, False, False),
    cpu.Processor(True, True, False),
)


@pytest.mark.parametrize("kind", [Conv2d, ConvTranspose2d])
@pytest.mark.parametrize("processor", [KERNELS, NO_KERNELS], ids=["kernels", "no kernels"])
def test_layers_of_many_channels_take_this_form(
    kind: type[nn.Conv2d], processor: cpu.Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def takes(large: int, small: int, *, batch: int = 64, side: int = 8, bfloat16: bool = True, **changed: Any) -> bool:
        channels = (large, small) if kind is Conv2d else (small, large)
        layer = kind(*channels, **{"kernel_size": 4, "stride": 2, "padding": 1} | changed)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            return choose(layer, torch.empty(batch, channels[0], side, side)).form is winograd.FORM

    monkeypatch.setattr(cpu, "processor", lambda: processor)
    for bfloat16, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        many = winograd.FEWEST_CHANNELS[dtype] if processor.kernels else winograd.FEWEST_CHANNELS_WITHOUT_KERNELS
        assert takes(many, many, bfloat16=bfloat16)
        assert takes(many, many, padding=0, side=14, bfloat16=bfloat16)
        assert not takes(many - 16, many, bfloat16=bfloat16)
        assert not takes(many, many - 16, bfloat16=bfloat16)
        assert not takes(many, many, batch=1, bfloat16=bfloat16)  # the kernel's transform takes as long for one image
        assert not takes(many, many, kernel_size=3, bfloat16=bfloat16)
        assert not takes(many, many, stride=1, bfloat16=bfloat16)
        assert not takes(many, many, padding=(1, 0), side=14, bfloat16=bfloat16)
        assert not takes(many, many, groups=many, bfloat16=bfloat16)
    monkeypatch.setattr(cpu, "processor", lambda: AMX)
    assert not takes(128, 128)
    assert takes(128, 128, bfloat16=False)  # AMX has no float32


def test_3x3_layers_take_this_form_only_with_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = Conv2d(128, 128, 3, padding=1), torch.empty(16, 128, 16, 16)
    for processor, taken in ((KERNELS, True), (NO_KERNELS, False)):
        monkeypatch.setattr(cpu, "processor", lambda processor=processor: processor)
        assert (choose(layer, x).form is winograd.FORM) == taken


def test_explain_counts_the_multiplications_that_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "processor", lambda: NO_KERNELS)
    layer, x = Conv2d(128, 128, 4, stride=2, padding=1), torch.randn(50, 128, 16, 16)
    row = explain(nn.Sequential(layer), x)["0"]
    with FlopCounterMode(display=False) as counter:
        winograd.conv2d(x.double(), layer.weight.double())
    assert row.form == "winograd"
    assert row.made == counter.get_flop_counts()["Global"][torch.ops.aten.bmm] / 2
    assert row.ratio == 25 / 64


@pytest.mark.parametrize("kind", [Conv2d, ConvTranspose2d])
def test_in_bfloat16_the_error_is_small(kind: type[nn.Conv2d], monkeypatch: pytest.MonkeyPatch) -> None:
    facts = cpu.processor()._replace(amx_bfloat16=False)
    monkeypatch.setattr(cpu, "processor", lambda: facts)
    torch.manual_seed(0)
    small, large = 256, 128
    layer = kind(*((large, small) if kind is Conv2d else (small, large)), 4, stride=2, padding=1, bias=False)
    x = torch.randn(64, layer.in_channels, 8, 8)
    seen = []
    for dtype in (torch.float32, torch.float64):
        layer.to(dtype).zero_grad()
        leaf = x.to(dtype, copy=True).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype is torch.float32):
            assert (choose(layer, leaf).form is winograd.FORM) == (dtype is torch.float32)
            y = layer(leaf)
        (y.to(dtype) ** 2).sum().backward()
        seen.append((y.double(), leaf.grad.double(), layer.weight.grad.double()))
    for ours, true in zip(*seen, strict=True):
        assert (ours - true).norm() / true.norm() < 0.02
