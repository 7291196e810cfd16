"""The forms of `UpsampleConv2d`: a bilinear doubling and a convolution as one equal one after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ganache.fastconv import UpsampleConv2d, cpu, upsample, use
from ganache.fastconv.choose import choose
from ganache.fastconv.form import Form
from ganache.fastconv.interpolation import doubling

SIDES = 7, 5


def pair(inputs: int, outputs: int, kernel: int = 5) -> tuple[UpsampleConv2d, nn.Sequential]:
    """The layer, and the two layers that it replaces, with the same weights."""
    layer = UpsampleConv2d(inputs, outputs, kernel, SIDES)
    plain = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    plain.load_state_dict(layer.state_dict())
    return layer, nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True), plain)


CASES = [(4, 3, 5), (3, 1, 5), (1, 4, 3), (2, 2, 1)]


FORMS = [upsample.MIX_FIRST, upsample.FOURIER]


def computed(layer: UpsampleConv2d, form: Form, x: Tensor) -> Tensor:
    """Compute the layer by a form, whatever the choice would be."""
    return form.compute(layer.describe(x), x, layer.weight, layer.bias, layer.down, layer.across)


@pytest.mark.parametrize("form", FORMS, ids=[form.name for form in FORMS])
@pytest.mark.parametrize(("inputs", "outputs", "kernel"), CASES)
def test_a_form_equals_the_two_steps_with_their_gradients(form: Form, inputs: int, outputs: int, kernel: int) -> None:
    layer, plain = (each.double() for each in pair(inputs, outputs, kernel))
    x = torch.randn(3, inputs, *SIDES, dtype=torch.float64).to(memory_format=torch.channels_last)
    direction = torch.randn(3, outputs, 2 * SIDES[0], 2 * SIDES[1], dtype=torch.float64)
    found = []
    for function, network in ((lambda leaf: computed(layer, form, leaf), layer), (plain, plain)):
        leaf = x.clone().requires_grad_(True)
        y = function(leaf)
        found.append((y, *torch.autograd.grad((y * direction).sum(), [leaf, *network.parameters()])))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)  # the doubling's matrices are float32


def test_many_channels_of_many_pixels_take_the_dft(monkeypatch: pytest.MonkeyPatch) -> None:
    for inputs, outputs, batch, form in (
        (64, 32, 128, upsample.FOURIER),
        (64, 1, 128, upsample.MIX_FIRST),
        (64, 32, 1, upsample.MIX_FIRST),
    ):
        layer, plain = pair(inputs, outputs)
        x = torch.randn(batch, inputs, *SIDES)
        assert choose(layer, x).form is form
        torch.testing.assert_close(layer(x), plain(x), rtol=1e-4, atol=1e-4)
    layer, plain = pair(64, 32)
    x = torch.randn(128, 64, *SIDES)
    monkeypatch.setattr(cpu, "processor", lambda: cpu.Processor(True, True, False))
    with torch.autocast("cpu", torch.bfloat16):
        assert choose(layer, x).form is upsample.MIX_FIRST
    with use("pytorch"):
        assert choose(layer, x).form is None
        assert layer(x).equal(plain(x))


@pytest.mark.parametrize("form", FORMS, ids=[form.name for form in FORMS])
def test_the_channels_of_the_output_are_last_in_memory(form: Form) -> None:
    layer, _ = pair(4, 3)
    assert computed(layer, form, torch.randn(2, 4, *SIDES)).is_contiguous(memory_format=torch.channels_last)


def test_weights_are_those_of_a_convolution() -> None:
    layer, plain = pair(4, 3)
    assert layer.state_dict().keys() == plain[1].state_dict().keys()


def test_the_doubling_keeps_the_corners() -> None:
    """With align_corners, output i of 2n reads the position i (n - 1) / (2n - 1)."""
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
