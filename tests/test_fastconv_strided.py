"""The forms "im2col" and "subpixel": strided convolutions and their gradients equal PyTorch's."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache.fastconv import Conv2d, ConvTranspose2d, cpu, im2col, subpixel
from ganache.fastconv.choose import choose
from ganache.fastconv.explicit_gradients import Convolution
from ganache.networks.spectral import apply_spectral_norm

LAYERS: list[tuple[type[nn.Conv2d] | type[nn.ConvTranspose2d], type[nn.Conv2d] | type[nn.ConvTranspose2d]]] = [
    (Conv2d, nn.Conv2d),
    (ConvTranspose2d, nn.ConvTranspose2d),
]


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(4, 2, 1), (4, 2, 0), (3, 2, 1), (5, 3, 2), (3, 1, 1)])
def test_the_patch_product_is_the_weight_gradient(kernel: int, stride: int, padding: int) -> None:
    large = torch.randn(3, 2, 9, 12, dtype=torch.float64)
    weight = torch.randn(4, 2, kernel, kernel, dtype=torch.float64, requires_grad=True)
    y = F.conv2d(large, weight, None, stride, padding)
    small = torch.randn_like(y)
    (expected,) = torch.autograd.grad((y * small).sum(), weight)
    found = im2col.patch_product(small, large, (kernel,) * 2, (stride,) * 2, (padding,) * 2)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sides", [(4, 4), (3, 5)])
def test_a_convolution_and_a_pixel_shuffle_are_the_transposed_convolution(sides: tuple[int, int]) -> None:
    small = torch.randn(2, 5, *sides, dtype=torch.float64)
    weight = torch.randn(5, 3, 4, 4, dtype=torch.float64)
    expected = F.conv_transpose2d(small, weight, None, 2, 1)
    torch.testing.assert_close(subpixel.doubled(small, weight), expected, rtol=1e-12, atol=1e-12)


CONVOLUTIONS: list[tuple[Convolution, int, tuple[int, ...]]] = [
    (im2col.CONV, 2, (3, 2, 4, 4)),
    (im2col.CONV_TRANSPOSE, 2, (2, 3, 4, 4)),
    (subpixel.CONV, 1, (4, 1, 4, 4)),
    (subpixel.CONV_TRANSPOSE, 4, (4, 1, 4, 4)),
]


@pytest.mark.parametrize(("convolution", "channels", "weight"), CONVOLUTIONS)
def test_first_and_second_derivatives(convolution: Convolution, channels: int, weight: tuple[int, ...]) -> None:
    inputs = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((2, channels, 6, 6), weight)]

    def y(x: Tensor, w: Tensor) -> Tensor:
        return convolution(x, w, (2, 2), (1, 1))

    assert torch.autograd.gradcheck(y, inputs)
    assert torch.autograd.gradgradcheck(y, inputs)


@pytest.mark.parametrize(("ours", "theirs"), LAYERS)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("narrow", [False, True])
def test_in_bfloat16_a_layer_is_pytorchs_to_rounding(
    ours: type[nn.Conv2d], theirs: type[nn.Conv2d], bias: bool, narrow: bool
) -> None:
    torch.manual_seed(0)
    large = 3 if narrow else 16
    channels = (large, 32) if ours is Conv2d else (32, large)
    layer = ours(*channels, 4, stride=2, padding=1, bias=bias)
    other = theirs(*channels, 4, stride=2, padding=1, bias=bias)
    other.load_state_dict(layer.state_dict())
    exact = copy.deepcopy(other).double()
    x = torch.randn(8, channels[0], 12, 12)
    seen = []
    for network, dtype in ((layer, torch.float32), (other, torch.float32), (exact, torch.float64)):
        leaf = x.to(dtype, copy=True).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=network is not exact):
            if network is layer:
                form = choose(layer, leaf).form
                assert form is (subpixel if narrow else im2col).FORM
            y = network(leaf)
        (y.to(dtype) ** 2).sum().backward()
        seen.append((y.double(), leaf.grad.double(), *(p.grad.double() for p in network.parameters())))
    for place, (found, theirs_found, true) in enumerate(zip(*seen, strict=True)):
        error, usual = (found - true).norm() / true.norm(), (theirs_found - true).norm() / true.norm()
        # The bias is added separately, so its gradient is of a y rounded twice; narrow layers' sums cancel more of it.
        once_more = (2**-7 if narrow else 2**-8) if place == 3 else 1e-3
        assert error <= 1.5 * usual + once_more


def form_of(layer: nn.Module, x: Tensor, bfloat16: bool = True) -> str:
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        form = choose(layer, x).form
    return form.name if form else "pytorch"


@pytest.fixture
def no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "processor", lambda: cpu.Processor(False, False, False))


@pytest.mark.parametrize(("ours", "_"), LAYERS)
@pytest.mark.usefixtures("no_kernels")
def test_where_it_does_not_pay_pytorch_computes(ours: type[nn.Conv2d], _: object) -> None:
    """Float32, few channels, stride 1, groups, many pixels, frozen weights or no gradients."""

    def form(layer: nn.Conv2d, side: int = 8, bfloat16: bool = True) -> str:
        return form_of(layer, torch.empty(1, layer.in_channels, side, side), bfloat16)

    assert form(ours(16, 16, 4, stride=2)) == "im2col"
    assert form(ours(16, 16, 4, stride=2), bfloat16=False) == "pytorch"
    assert form(ours(3, 16, 4, stride=2)) == "pytorch"
    assert form(ours(16, 3, 4, stride=2)) == "pytorch"
    assert form(ours(16, 16, 4)) == "pytorch"
    assert form(ours(16, 16, 4, stride=2, groups=4)) == "pytorch"
    assert form(ours(16, 16, 4, stride=2), side=512) == "pytorch"
    assert form(ours(16, 16, 4, stride=2).requires_grad_(False)) == "pytorch"
    with torch.no_grad():
        assert form(ours(16, 16, 4, stride=2)) == "pytorch"


@pytest.mark.usefixtures("no_kernels")
def test_a_narrow_layer_is_subpixel_where_its_large_side_is_computed() -> None:
    """The last layer of a generator, and the first of a critic when its input needs a gradient."""
    image = torch.randn(1, 3, 8, 8, requires_grad=True)
    first, last = Conv2d(3, 16, 4, stride=2, padding=1), ConvTranspose2d(16, 3, 4, stride=2, padding=1)
    assert form_of(first, image) == "subpixel"
    assert form_of(last, torch.randn(1, 16, 4, 4)) == "subpixel"
    assert form_of(first, image.detach()) == "pytorch"
    assert form_of(first, image[:, :, :7]) == "pytorch"  # an odd side has no half
    assert form_of(first, image, bfloat16=False) == "pytorch"  # without kernels


@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_spectral_norm_takes_one_step_per_pass(bfloat16: bool) -> None:
    layer = apply_spectral_norm(nn.Sequential(Conv2d(16, 16, 4, stride=2, padding=1)))[0]
    steps = []
    layer.parametrizations.weight[0].register_forward_hook(lambda *_: steps.append(1))
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        layer(torch.randn(1, 16, 8, 8))
    assert len(steps) == 1
