"""Strided convolutions in bfloat16 on a CPU: their other forms are the sums that they should be."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache.fastconv import strided
from ganache.fastconv.convolution import Conv2d, ConvTranspose2d
from ganache.fastconv.strided import Convolution, Transposed, doubled, product
from ganache.networks.spectral import apply_spectral_norm

LAYERS: list[tuple[type[nn.Conv2d] | type[nn.ConvTranspose2d], type[nn.Conv2d] | type[nn.ConvTranspose2d]]] = [
    (Conv2d, nn.Conv2d),
    (ConvTranspose2d, nn.ConvTranspose2d),
]


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(4, 2, 1), (4, 2, 0), (3, 2, 1), (5, 3, 2), (3, 1, 1)])
def test_the_product_is_the_gradient(kernel: int, stride: int, padding: int) -> None:
    large = torch.randn(3, 2, 9, 12, dtype=torch.float64)
    weight = torch.randn(4, 2, kernel, kernel, dtype=torch.float64, requires_grad=True)
    y = F.conv2d(large, weight, None, stride, padding)
    small = torch.randn_like(y)
    (expected,) = torch.autograd.grad((y * small).sum(), weight)
    found = product(small, large, (kernel,) * 2, (stride,) * 2, (padding,) * 2)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sides", [(4, 4), (3, 5)])
def test_shuffled_channels_of_a_convolution_are_the_transposed_one(sides: tuple[int, int]) -> None:
    small = torch.randn(2, 5, *sides, dtype=torch.float64)
    weight = torch.randn(5, 3, 4, 4, dtype=torch.float64)
    expected = F.conv_transpose2d(small, weight, None, 2, 1)
    torch.testing.assert_close(doubled(small, weight), expected, rtol=1e-12, atol=1e-12)


FUNCTIONS: list[tuple[type[torch.autograd.Function], int, tuple[int, ...]]] = [
    (Convolution, 2, (3, 2, 4, 4)),
    (Transposed, 2, (2, 3, 4, 4)),
    (Convolution, 1, (4, 1, 4, 4)),  # few channels at the large side
    (Transposed, 4, (4, 1, 4, 4)),
]


@pytest.mark.parametrize(("function", "channels", "weight"), FUNCTIONS)
def test_first_and_second_derivatives(
    function: type[torch.autograd.Function],
    channels: int,
    weight: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strided, "FEWEST_CHANNELS", 4)
    inputs = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((2, channels, 6, 6), weight)]

    def y(x: Tensor, w: Tensor) -> Tensor:
        made: Tensor = function.apply(x, w, (2, 2), (1, 1))
        return made

    assert torch.autograd.gradcheck(y, inputs)
    assert torch.autograd.gradgradcheck(y, inputs)


@pytest.mark.parametrize(("ours", "theirs"), LAYERS)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("few", [False, True])
def test_in_bfloat16_a_layer_is_pytorchs_to_rounding(
    ours: type[nn.Conv2d], theirs: type[nn.Conv2d], bias: bool, few: bool
) -> None:
    torch.manual_seed(0)
    large = 3 if few else 16
    channels = (large, 32) if ours is Conv2d else (32, large)
    layer = ours(*channels, 4, stride=2, padding=1, bias=bias)
    other = theirs(*channels, 4, stride=2, padding=1, bias=bias)
    other.load_state_dict(layer.state_dict())
    exact = copy.deepcopy(other).double()
    x = torch.randn(8, channels[0], 12, 12)
    seen = []
    for one, dtype in ((layer, torch.float32), (other, torch.float32), (exact, torch.float64)):
        at = x.to(dtype, copy=True).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=one is not exact):
            y = one(at)
        (y.to(dtype) ** 2).sum().backward()
        seen.append((y.double(), at.grad.double(), *(p.grad.double() for p in one.parameters())))
    for place, (by_ours, by_theirs, true) in enumerate(zip(*seen, strict=True)):
        error, usual = (by_ours - true).norm() / true.norm(), (by_theirs - true).norm() / true.norm()
        # The bias is added apart, so its gradient is of a y rounded twice; sums of few channels cancel more of it.
        once_more = (2**-7 if few else 2**-8) if place == 3 else 1e-3
        assert error <= 1.5 * usual + once_more


@pytest.mark.parametrize(("ours", "_"), LAYERS)
def test_where_it_does_not_pay_pytorch_does_all(ours: type[nn.Conv2d], _: object) -> None:
    """Float32, few channels, stride 1, many pixels, no gradient: the way that a layer went shows in the graph."""

    def went(layer: nn.Conv2d, side: int = 8, fast: bool = True) -> str:
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            return type(layer(torch.randn(1, layer.in_channels, side, side)).grad_fn).__name__

    assert went(ours(16, 16, 4, stride=2, bias=False)) in {"ConvolutionBackward", "TransposedBackward"}
    plain = [
        went(ours(16, 16, 4, stride=2, bias=False), fast=False),
        went(ours(3, 16, 4, stride=2, bias=False)),
        went(ours(16, 3, 4, stride=2, bias=False)),
        went(ours(16, 16, 4, bias=False)),
        went(ours(16, 16, 4, stride=2, groups=4, bias=False)),
        went(ours(16, 16, 4, stride=2, bias=False), side=512),
    ]
    assert set(plain) == {"ConvolutionBackward0"}


def test_a_picture_of_few_channels_is_made_and_asked_the_other_way() -> None:
    """From the last layer of a generator to a picture, and from the first of a critic back to it."""
    picture = torch.randn(1, 3, 8, 8, requires_grad=True)
    first, last = Conv2d(3, 16, 4, stride=2, padding=1), ConvTranspose2d(16, 3, 4, stride=2, padding=1)
    with torch.autocast("cpu", torch.bfloat16):
        assert "Add" in type(first(picture).grad_fn).__name__  # the bias, added apart
        assert "Add" in type(last(torch.randn(1, 16, 4, 4)).grad_fn).__name__
        assert type(first(picture.detach()).grad_fn).__name__ == "ConvolutionBackward0"  # nobody asks
        assert type(first(picture[:, :, :7]).grad_fn).__name__ == "ConvolutionBackward0"  # no half of an odd side


@pytest.mark.parametrize("fast", [False, True])
def test_a_spectral_norm_takes_one_step_a_pass(fast: bool) -> None:
    layer = apply_spectral_norm(nn.Sequential(Conv2d(16, 16, 4, stride=2, padding=1)))[0]
    steps = []
    layer.parametrizations.weight[0].register_forward_hook(lambda *_: steps.append(1))
    with torch.autocast("cpu", torch.bfloat16, enabled=fast):
        layer(torch.randn(1, 16, 8, 8))
    assert len(steps) == 1
