"""The forms "fourier" and "kn2row": convolutions, derivatives and adjoints equal PyTorch's."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ganache.fastconv import Conv2d, cpu, explain, fourier, layers, tap_sums
from ganache.fastconv.choose import choose
from ganache.fastconv.linear_function import LinearMap
from ganache.fastconv.real_dft import IMAGE, KERNEL, OUTPUT, Factors, real_dft


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
@pytest.mark.parametrize("function", [fourier.conv2d, tap_sums.conv2d])
def test_it_is_the_convolution_and_so_are_its_gradients(
    function: type[LinearMap], sides: tuple[int, int], kernel: tuple[int, int]
) -> None:
    x, weight = random(2, 3, *sides), random(4, 3, *kernel)
    y, expected = function(x, weight), F.conv2d(x, weight, padding="same")
    torch.testing.assert_close(y, expected, rtol=1e-11, atol=1e-11)
    g = torch.randn_like(y)
    for found, right in zip(*(torch.autograd.grad(each, [x, weight], g) for each in (y, expected)), strict=True):
        torch.testing.assert_close(found, right, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("function", [fourier.conv2d, tap_sums.conv2d])
def test_second_derivatives(function: type[LinearMap]) -> None:
    assert torch.autograd.gradgradcheck(function, (random(1, 2, 4, 3), random(2, 2, 3, 3)))


@pytest.mark.parametrize("lengths", [(8, 7), (5, 6)])
@pytest.mark.parametrize("factors", [IMAGE, KERNEL, OUTPUT])
def test_each_transform_has_its_adjoint(lengths: tuple[int, int], factors: Factors) -> None:
    """<forward(x), y> = <x, adjoint(y)>."""
    dft = real_dft(lengths, range(-1, 4), range(3), factors)
    x, y = random(5, 3, 2).detach(), random(len(dft), 2).detach()
    torch.testing.assert_close((dft.forward(x) * y).sum(), (x * dft.adjoint(y)).sum())


@pytest.mark.parametrize(("sides", "kernel"), CASES)
def test_paste_is_the_adjoint_of_cut(sides: tuple[int, int], kernel: tuple[int, int]) -> None:
    x = random(2, 3, *sides).detach()
    image, output = fourier.tiles(sides, kernel)
    for tiles in (image, output):
        parts = tiles.cut(x)
        y = torch.randn_like(parts)
        torch.testing.assert_close((parts * y).sum(), (x * tiles.paste(y)).sum())
    torch.testing.assert_close(output.paste(output.cut(x)), x)


def test_an_image_takes_one_product_per_real_frequency_and_three_per_pair_of_complex_ones() -> None:
    """400 pixels have 4 real frequencies and 396 complex ones, in pairs of conjugates: 4 + 3 * 198."""
    assert len(real_dft((20, 20), range(20), range(20), IMAGE)) == 4 + 3 * 198


def test_a_wide_layer_takes_a_sixth_of_the_arithmetic_with_its_transforms() -> None:
    counts = []
    for function in (fourier.conv2d, lambda x, weight: F.conv2d(x, weight, padding="same")):
        x, weight = (torch.randn(size, requires_grad=True) for size in ((4, 256, 32, 32), (256, 256, 5, 5)))
        with FlopCounterMode(display=False) as counter:
            function(x, weight).sum().backward()
        counts.append(counter.get_total_flops())
    assert counts[0] * 6 < counts[1]


WIDE, LARGE = 64, 128  # channels and side from which a 5x5 kernel pays


def layer_and_image(outputs: int = WIDE, inputs: int = WIDE) -> tuple[Conv2d, Tensor]:
    torch.manual_seed(0)
    layer = Conv2d(inputs, outputs, 5, padding=2)
    return layer, torch.randn(1, inputs, LARGE, LARGE).to(memory_format=torch.channels_last)


@pytest.fixture(params=[True, False], ids=["kernels", "no kernels"])
def no_amx(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor without AMX; the choice of these two forms does not depend on compiled kernels."""
    monkeypatch.setattr(cpu, "processor", lambda: cpu.Processor(False, request.param, request.param))


def form_of(layer: nn.Module, x: Tensor, bfloat16: bool = False) -> str:
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        form = choose(layer, x).form
    return form.name if form else "pytorch"


@pytest.mark.usefixtures("no_amx")
def test_wide_layers_of_large_images_take_these_forms_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = layer_and_image()
    assert form_of(layer, x) == form_of(layer, x, bfloat16=True) == "fourier"
    assert form_of(*layer_and_image(outputs=3, inputs=128)) == "kn2row"
    assert form_of(layer, x[:, :, :64]) == "pytorch"  # few pixels, as in one small image
    assert form_of(Conv2d(8, 8, 5, padding=2), torch.randn(16, 8, 64, 64)) == "pytorch"
    assert form_of(Conv2d(WIDE, WIDE, 5), x) == "pytorch"
    assert form_of(Conv2d(WIDE, WIDE, 5, padding=2, stride=2), x) == "pytorch"
    assert form_of(Conv2d(WIDE, WIDE, 5, padding=2, groups=2), x) == "pytorch"
    monkeypatch.setattr(cpu, "processor", lambda: cpu.Processor(True, True, False))
    assert form_of(layer, x, bfloat16=True) == "pytorch"
    assert form_of(layer, x) == "fourier"  # AMX has no float32


def test_what_is_exported_consists_of_plain_convolutions() -> None:
    layer, x = layer_and_image()
    program = torch.export.export(layer, (x,))
    assert "conv2d" in str(program.graph)
    assert "bmm" not in str(program.graph)


@pytest.mark.parametrize(("outputs", "inputs", "form"), [(WIDE, WIDE, "fourier"), (3, 128, "kn2row")])
@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_layer_is_pytorchs_to_rounding(
    outputs: int, inputs: int, form: str, bfloat16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With an activation that writes into the output in place, and gradients."""
    facts = cpu.processor()._replace(amx_bfloat16=False)
    monkeypatch.setattr(cpu, "processor", lambda: facts)
    layer, x = layer_and_image(outputs, inputs)
    assert form_of(layer, x, bfloat16) == form
    seen = []
    for dtype in (torch.float32, torch.float64):
        net = nn.Sequential(layer, nn.LeakyReLU(0.3, inplace=True)).to(dtype)
        net.zero_grad()
        leaf = x.to(dtype, copy=True).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16 and dtype is torch.float32):
            y = net(leaf) if dtype is torch.float32 else net[1](F.conv2d(leaf, layer.weight, layer.bias, padding=2))
        (y.to(dtype) ** 2).sum().backward()
        assert layer.bias is not None
        gradients = [each.grad.double() for each in (leaf, layer.weight, layer.bias)]
        seen.append([y.double(), *(g.clone() for g in gradients)])
    for ours, true in zip(*seen, strict=True):
        assert (ours - true).norm() / true.norm() < (0.02 if bfloat16 else 3e-6)


@pytest.mark.usefixtures("no_amx")
def test_explain_counts_the_multiplications_that_are_made() -> None:
    layer, x = layer_and_image()
    row = explain(nn.Sequential(layer), x)["0"]
    with FlopCounterMode(display=False) as counter:
        fourier.conv2d(x.double(), layer.weight.double())
    products = counter.get_flop_counts()["Global"][torch.ops.aten.bmm]
    assert row.form == "fourier"
    assert row.made is not None
    assert row.made <= products / 2 <= 3 * row.made  # the transforms are batched products too
    assert row.ratio is not None
    assert row.ratio < 0.11


@pytest.mark.usefixtures("no_amx")
def test_large_batches_are_computed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The transformed images are several times as large as the images."""
    layer, x = layer_and_image()
    x = torch.cat([x, 2 * x, -x]).contiguous(memory_format=torch.channels_last)
    together, sizes, correlate = layer(x), [], fourier.correlate
    monkeypatch.setattr(layers, "MOST_NUMBERS", 2 * WIDE * LARGE**2)
    monkeypatch.setattr(fourier, "correlate", lambda x, *rest: (sizes.append(len(x)), correlate(x, *rest))[1])
    y = layer(x)
    assert sizes == [2, 1]
    torch.testing.assert_close(y, together)
    assert y.is_contiguous(memory_format=torch.channels_last)


def test_channels_stay_last() -> None:
    y = fourier.conv2d(torch.randn(2, 4, 8, 8).to(memory_format=torch.channels_last), torch.randn(3, 4, 3, 3))
    assert y.is_contiguous(memory_format=torch.channels_last)
    assert [a >= b for a, b in pairwise(y.permute(0, 2, 3, 1).stride())] == [True] * 3
