"""Strided convolutions in bfloat16 on a CPU: weight gradients as matrix products are the sums that they should be."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache.networks.convolution import Conv2d, ConvTranspose2d, _Convolution, _Transposed, weight_gradient

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
    product = weight_gradient(small, large, (kernel,) * 2, (stride,) * 2, (padding,) * 2)
    torch.testing.assert_close(product, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("function", "weight"), [(_Convolution, (3, 2, 4, 4)), (_Transposed, (2, 3, 4, 4))])
def test_first_and_second_derivatives(function: type[torch.autograd.Function], weight: tuple[int, ...]) -> None:
    inputs = [torch.randn(size, dtype=torch.float64, requires_grad=True) for size in ((2, 2, 6, 6), weight)]

    def y(x: Tensor, w: Tensor) -> Tensor:
        made: Tensor = function.apply(x, w, (2, 2), (1, 1))
        return made

    assert torch.autograd.gradcheck(y, inputs)
    assert torch.autograd.gradgradcheck(y, inputs)


@pytest.mark.parametrize(("ours", "theirs"), LAYERS)
@pytest.mark.parametrize("bias", [False, True])
def test_in_bfloat16_a_layer_is_pytorchs_to_rounding(
    ours: type[nn.Conv2d], theirs: type[nn.Conv2d], bias: bool
) -> None:
    torch.manual_seed(0)
    layer = ours(16, 32, 4, stride=2, padding=1, bias=bias)
    other = theirs(16, 32, 4, stride=2, padding=1, bias=bias)
    other.load_state_dict(layer.state_dict())
    exact = copy.deepcopy(other).double()
    x = torch.randn(8, 16, 12, 12)
    seen = []
    for one, dtype in ((layer, torch.float32), (other, torch.float32), (exact, torch.float64)):
        at = x.to(dtype, copy=True).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=one is not exact):
            y = one(at)
        (y.to(dtype) ** 2).sum().backward()
        seen.append((y.double(), at.grad.double(), *(p.grad.double() for p in one.parameters())))
    for place, (by_ours, by_theirs, true) in enumerate(zip(*seen, strict=True)):
        error, usual = (by_ours - true).norm() / true.norm(), (by_theirs - true).norm() / true.norm()
        once_more = 2**-8 if place == 3 else 1e-3  # the bias is added apart, so its gradient is of a y rounded twice
        assert error <= 1.5 * usual + once_more


@pytest.mark.parametrize(("ours", "_"), LAYERS)
def test_where_it_does_not_pay_pytorch_does_all(ours: type[nn.Conv2d], _: object) -> None:
    """Float32, few channels, stride 1, many pixels, no gradient: the way that a layer went shows in the graph."""

    def went(layer: nn.Conv2d, side: int = 8, fast: bool = True) -> str:
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            return type(layer(torch.randn(1, layer.in_channels, side, side)).grad_fn).__name__

    assert went(ours(16, 16, 4, stride=2, bias=False)).startswith("_")
    plain = [
        went(ours(16, 16, 4, stride=2, bias=False), fast=False),
        went(ours(3, 16, 4, stride=2, bias=False)),
        went(ours(16, 3, 4, stride=2, bias=False)),
        went(ours(16, 16, 4, bias=False)),
        went(ours(16, 16, 4, stride=2, groups=4, bias=False)),
        went(ours(64, 64, 4, stride=2, bias=False), side=256),
    ]
    assert set(plain) == {"ConvolutionBackward0"}
