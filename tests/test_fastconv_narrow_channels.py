"""The form "narrow": layers of at most four channels, equal to PyTorch's up to the rounding of bfloat16."""

from __future__ import annotations

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache.fastconv import Conv2d, ConvTranspose2d, FusedSequential, explain, kernels, narrow_channels
from ganache.fastconv.choose import choose

pytestmark = pytest.mark.skipif(
    kernels.library() is None or not kernels.supports_narrow(3, 64, 32, torch.bfloat16),
    reason="no bfloat16 kernels for this processor",
)

CASES = [  # B, L, S, h, w
    (5, 3, 64, 32, 32),
    (2, 1, 48, 5, 16),  # three vectors of channels, a height that is no multiple of four
    (1, 4, 16, 7, 48),
    (3, 2, 32, 1, 16),
]


def three(B: int, L: int, S: int, h: int, w: int) -> dict[str, Tensor]:
    """A small image, a large one and a weight."""
    torch.manual_seed(0)
    shapes = {"small": (B, S, h, w), "large": (B, L, 2 * h, 2 * w), "weight": (S, L, 4, 4)}
    return {name: torch.randn(shape).bfloat16() for name, shape in shapes.items()}


def whole(small: Tensor, large: Tensor, weight: Tensor) -> Tensor:
    return (small * F.conv2d(large, weight, stride=2, padding=1)).sum()


def near(found: Tensor, right: Tensor, epsilon: float = 2**-8) -> None:
    torch.testing.assert_close(found.double(), right, rtol=epsilon, atol=epsilon * right.abs().max().item())


@pytest.mark.parametrize("sizes", CASES)
@pytest.mark.parametrize("by", ["small", "large", "weight"])
def test_each_is_the_derivative_of_the_same_sum(by: str, sizes: tuple[int, int, int, int, int]) -> None:
    given = three(*sizes)
    exact = {name: each.double().requires_grad_() for name, each in given.items()}
    (right,) = torch.autograd.grad(whole(**exact), exact[by])
    found = narrow_channels.derivative(by, *(each for name, each in given.items() if name != by))
    assert found.dtype is torch.bfloat16
    near(found, right)


@pytest.mark.parametrize(
    ("form", "one"), [(narrow_channels.conv2d, "large"), (narrow_channels.conv_transpose2d, "small")]
)
def test_derivatives_of_derivatives(form: object, one: str) -> None:
    """As a gradient penalty asks for."""
    given = three(2, 3, 32, 4, 16)
    results = []
    for dtype in (torch.bfloat16, torch.float64):
        x, weight = (given[name].to(dtype).requires_grad_() for name in (one, "weight"))
        if dtype is torch.bfloat16:
            y = form(x, weight)  # type: ignore[operator]
        else:
            y = (F.conv2d if one == "large" else F.conv_transpose2d)(x, weight, stride=2, padding=1)
        g = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view_as(y).to(dtype).requires_grad_()
        by_x, by_weight = torch.autograd.grad(y, (x, weight), g, create_graph=True)
        total = by_x.double().square().sum() + by_weight.double().square().sum() / 100
        results.append((y, by_x, by_weight, *torch.autograd.grad(total, (x, weight, g))))
    for found, right in zip(*results, strict=True):
        near(found, right, 2**-5)


@pytest.mark.parametrize(("channels", "side"), list(product((16, 24), (8, 32))))
def test_layers_take_this_form_where_it_is_supported(channels: int, side: int) -> None:
    """Multiples of 16 channels and pixels per row, in bfloat16."""
    first = Conv2d(3, channels, 4, stride=2, padding=1, bias=False)
    last = ConvTranspose2d(channels, 3, 4, stride=2, padding=1, bias=False)
    image, small = torch.randn(2, 3, side, side), torch.randn(2, channels, side // 2, side // 2)
    for fast in (True, False):
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            outputs = first(image), last(small)
            forms = choose(first, image).form, choose(last, small).form
        takes = fast and channels % 16 == 0 and side // 2 % 16 == 0
        assert all((form is narrow_channels.FORM) == takes for form in forms)
        near(outputs[0], F.conv2d(image.double(), first.weight.double(), stride=2, padding=1), 2**-6)
        near(outputs[1], F.conv_transpose2d(small.double(), last.weight.double(), stride=2, padding=1), 2**-6)


@pytest.mark.parametrize("slope", [0.2, 0.0])
def test_a_fused_activation(slope: float) -> None:
    """Forward, backward, and with second derivatives."""
    given, results = three(3, 3, 48, 6, 16), []
    for dtype in (torch.bfloat16, torch.float64):
        large, weight = (given[name].to(dtype).requires_grad_() for name in ("large", "weight"))
        if dtype is torch.bfloat16:
            y = narrow_channels.conv2d(large, weight, slope)
        else:
            y = F.leaky_relu(F.conv2d(large, weight, stride=2, padding=1), slope)
        g = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view_as(y).to(dtype)
        plain = torch.autograd.grad(y, (large, weight), g, retain_graph=True)
        by_large, by_weight = torch.autograd.grad(y, (large, weight), g, create_graph=True)
        total = by_large.double().square().sum() + by_weight.double().square().sum() / 100
        results.append((y, *plain, by_large, by_weight, *torch.autograd.grad(total, (large, weight))))
    for found, right in zip(*results, strict=True):
        near(found, right, 2**-5)


def test_layers_fuse_their_activations() -> None:
    layers = FusedSequential(Conv2d(3, 16, 4, stride=2, padding=1, bias=False), nn.LeakyReLU(0.2))
    x = torch.randn(2, 3, 32, 32)
    for fast in (True, False):
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            y, row = layers(x), explain(layers, x)["0"]
        assert (row.form == "narrow") == fast
        assert ("fused with LeakyReLU" if row.form != "pytorch" else "LeakyReLU is applied in place") in row.reason
        near(y, F.leaky_relu(F.conv2d(x.double(), layers[0].weight.double(), stride=2, padding=1), 0.2), 2**-6)
    layers[0].bias = nn.Parameter(torch.ones(16))
    with torch.autocast("cpu", torch.bfloat16):
        biased = F.conv2d(x.double(), layers[0].weight.double(), torch.ones(16).double(), stride=2, padding=1)
        near(layers(x), F.leaky_relu(biased, 0.2), 2**-6)
