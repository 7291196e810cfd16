"""A bilinear doubling and a convolution as one: equal to one after the other, and fluid's doubling."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ganache.fastconv import fourier, upsample
from ganache.fastconv.upsample import UpsampleConv2d, doubling

SIDES = 7, 5


def pair(inputs: int, outputs: int, kernel: int = 5) -> tuple[UpsampleConv2d, nn.Sequential]:
    """The layer, and what it stands for, with the same weights."""
    layer = UpsampleConv2d(inputs, outputs, kernel, SIDES)
    plain = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    plain.load_state_dict(layer.state_dict())
    return layer, nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), plain)


@pytest.fixture
def by_frequencies(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """As many channels and places do; an entry a time."""
    asked: list[str] = []
    correlated = fourier.correlated
    monkeypatch.setattr(upsample, "FEWEST_CHANNELS", 1)
    monkeypatch.setattr(upsample, "FEWEST_PLACES", 1)
    monkeypatch.setattr(upsample, "may_map", lambda x: True)
    monkeypatch.setattr(fourier, "correlated", lambda *given: (asked.append("correlated"), correlated(*given))[1])
    return asked


CASES = [(4, 3, 5), (3, 1, 5), (1, 4, 3), (2, 2, 1)]


@pytest.mark.parametrize(("inputs", "outputs", "kernel"), CASES)
def test_by_frequencies_it_is_the_same(by_frequencies: list[str], inputs: int, outputs: int, kernel: int) -> None:
    test_it_is_the_two_one_after_the_other_with_their_gradients(inputs, outputs, kernel)
    assert by_frequencies


def test_many_channels_of_many_places_go_by_frequencies(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    correlated = fourier.correlated
    monkeypatch.setattr(fourier, "correlated", lambda *given: (asked.append(1), correlated(*given))[1])
    for inputs, outputs, batch in ((64, 32, 128), (64, 1, 128), (64, 32, 1)):
        layer, plain = pair(inputs, outputs)
        x = torch.randn(batch, inputs, *SIDES)
        torch.testing.assert_close(layer(x), plain(x), rtol=1e-4, atol=1e-4)
    assert asked == [1]


@pytest.mark.parametrize(("inputs", "outputs", "kernel"), CASES)
def test_it_is_the_two_one_after_the_other_with_their_gradients(inputs: int, outputs: int, kernel: int) -> None:
    layer, plain = (each.double() for each in pair(inputs, outputs, kernel))
    x = torch.randn(3, inputs, *SIDES, dtype=torch.float64).to(memory_format=torch.channels_last)
    asked = torch.randn(3, outputs, 2 * SIDES[0], 2 * SIDES[1], dtype=torch.float64)
    found = []
    for each in (layer, plain):
        leaf = x.clone().requires_grad_(True)
        y = each(leaf)
        found.append((y, *torch.autograd.grad((y * asked).sum(), [leaf, *each.parameters()])))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)  # the shares are float32 numbers


@pytest.mark.parametrize("form", ["by_parts", "by_frequencies"])
def test_pictures_leave_it_with_their_channels_innermost(form: str) -> None:
    layer, _ = pair(4, 3)
    assert getattr(layer, form)(torch.randn(2, 4, *SIDES)).is_contiguous(memory_format=torch.channels_last)


def test_weights_are_those_of_a_convolution() -> None:
    layer, plain = pair(4, 3)
    assert layer.state_dict().keys() == plain[1].state_dict().keys()


def test_fluid_resizing_keeps_the_corners() -> None:
    """`align_corners`: output i of 2n reads the place i (n - 1) / (2n - 1)."""
    row = np.random.default_rng(0).standard_normal(7)
    expected = np.interp(np.arange(14) * 6 / 13, np.arange(7), row)
    np.testing.assert_allclose(doubling(7, 1) @ torch.from_numpy(row), expected, rtol=1e-12)


def test_it_takes_a_third_of_the_products() -> None:
    """At the WGAN article's widths: 128 channels at 7x7 to 64 at 14x14."""
    layer = UpsampleConv2d(128, 64, 5, (7, 7))
    with FlopCounterMode(display=False) as counter:
        layer(torch.randn(1, 128, 7, 7))
    plain = 2 * 14 * 14 * 25 * 128 * 64
    assert counter.get_total_flops() < 0.35 * plain
