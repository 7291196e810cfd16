"""Residual networks: the authors' counts and initial weights, and the resizing convolutions that fuse two steps."""

from __future__ import annotations

import copy
from math import sqrt

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache.config.config import Config
from ganache.config.rules import refuse_contradictions
from ganache.errors import ConfigError
from ganache.fastconv import cpu, explain, use
from ganache.methods import WganGp
from ganache.networks import Residual
from ganache.networks.resblock import Block, ConvMeanPool, UpsampleConv
from ganache.types import ImageShape


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_counts() -> None:
    """gan_64x64.py with DIM = 64, line by line; a norm has a gain and a shift per channel."""
    d = 64

    def block(c_in: int, c_out: int, middle: int) -> int:
        first, second = 9 * c_in * middle, 9 * middle * c_out + c_out  # biases=False in Conv1
        return 2 * c_in + first + 2 * middle + second + (c_in * c_out + c_out)  # the last is the shortcut

    up = [(8 * d, 8 * d), (8 * d, 4 * d), (4 * d, 2 * d), (2 * d, d)]
    generator = 129 * 16 * 8 * d + sum(block(i, o, o) for i, o in up) + 2 * d + (9 * d * 3 + 3)
    down = [(d, 2 * d), (2 * d, 4 * d), (4 * d, 8 * d), (8 * d, 8 * d)]
    critic = (9 * 3 * d + d) + sum(block(i, o, i) for i, o in down) + (16 * 8 * d + 1)
    with torch.device("meta"):
        assert count(Residual().generator((3, 64, 64))) == generator == 8_540_483
        assert count(Residual().critic((3, 64, 64))) == critic == 7_491_841


@pytest.mark.parametrize(
    ("shape", "base"),
    [
        ((1, 16, 16), (16, 4, 4)),
        ((3, 24, 24), (32, 3, 3)),
        ((4, 16, 40), (16, 4, 10)),
        ((2, 48, 64), (40, 3, 4)),
        ((3, 256, 256), (40, 4, 4)),
    ],
)
def test_shapes(shape: ImageShape, base: ImageShape) -> None:
    spec = Residual(z_dim=5, width=4, max_width=40)
    G, D = spec.generator(shape), spec.critic(shape)
    assert G.base == base
    x = G(torch.randn(2, 5))
    assert x.shape == (2, *shape)
    assert D(x).shape == (2,)
    assert D.features(x).shape == (2, base[0] * base[1] * base[2])


# ---- one convolution for two steps, in float64, on images that are not square ----


def assert_equal_with_gradients(actual: Tensor, expected: Tensor, inputs: list[Tensor]) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)
    direction = torch.randn_like(actual)
    for a, b in zip(*(torch.autograd.grad(y, inputs, direction) for y in (actual, expected)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-11)


def test_upsample_conv_equals_both_steps() -> None:
    layer = UpsampleConv(3, 4, 3, padding=1).double()
    x = torch.randn(2, 3, 5, 6, dtype=torch.float64, requires_grad=True)
    large = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    expected = F.conv2d(large, layer.weight, layer.bias, padding=1)
    assert_equal_with_gradients(layer(x), expected, [x, *layer.parameters()])


def test_conv_mean_pool_equals_both_steps() -> None:
    layer = ConvMeanPool(3, 4, 3, padding=1).double()
    x = torch.randn(2, 3, 10, 12, dtype=torch.float64, requires_grad=True)
    large = F.conv2d(x, layer.weight, layer.bias, padding=1)
    expected = (large[..., ::2, ::2] + large[..., 1::2, ::2] + large[..., ::2, 1::2] + large[..., 1::2, 1::2]) / 4
    assert_equal_with_gradients(layer(x), expected, [x, *layer.parameters()])


@pytest.mark.parametrize("kind", [UpsampleConv, ConvMeanPool])
@pytest.mark.parametrize("bfloat16", [False, True])
def test_wide_ones_take_fewer_products(kind: type[nn.Conv2d], bfloat16: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = cpu.processor()._replace(amx_bfloat16=False)
    monkeypatch.setattr(cpu, "processor", lambda: facts)
    layer, x = kind(192, 192, 3, padding=1), torch.randn(64, 192, 8, 8)
    with use("pytorch"):
        plain = copy.deepcopy(layer).double()(x.double())
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        assert [row.form for row in explain(layer, x)] == ["winograd"]
        y = layer(x)
    assert y.dtype is (torch.bfloat16 if bfloat16 else torch.float32)
    assert (y - plain).norm() / plain.norm() < (0.02 if bfloat16 else 1e-4)


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_an_upsampling_block_equals_the_authors(norm) -> None:  # type: ignore[no-untyped-def]
    """The authors' order: upsample first, then every step on the large map."""
    block = Block(3, 5, norm, up=True).double()
    x = torch.randn(2, 3, 4, 6, dtype=torch.float64, requires_grad=True)
    *norm1, first, norm2, second = regrouped(block)
    shortcut = block.shortcut(x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))
    h = F.relu(nn.Sequential(*norm1)(x)).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    h = F.relu(norm2(F.conv2d(h, first.weight, first.bias, padding=1)))
    expected = shortcut + F.conv2d(h, second.weight, second.bias, padding=1)
    assert_equal_with_gradients(block(x), expected, [x, *block.parameters()])


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_a_downsampling_block_equals_the_authors(norm) -> None:  # type: ignore[no-untyped-def]
    block = Block(3, 5, norm, up=False).double()
    x = torch.randn(2, 3, 8, 12, dtype=torch.float64, requires_grad=True)
    *norm1, first, norm2, second = regrouped(block)
    h = F.relu(nn.Sequential(*norm1)(x))
    h = F.relu(norm2(F.conv2d(h, first.weight, first.bias, padding=1)))
    expected = F.avg_pool2d(block.shortcut(x) + F.conv2d(h, second.weight, second.bias, padding=1), 2)
    assert_equal_with_gradients(block(x), expected, [x, *block.parameters()])


def regrouped(block: Block) -> list[nn.Module]:
    """Return [norm, convolution, norm, convolution] of a block, with an identity if it has no norm."""
    layers = [layer for layer in block.residual if not isinstance(layer, nn.ReLU)]
    first, second = (layer for layer in layers if isinstance(layer, nn.Conv2d))
    norms = [layer for layer in layers if not isinstance(layer, nn.Conv2d)] or [nn.Identity(), nn.Identity()]
    return [norms[0], first, norms[1], second]


def test_a_block_does_not_change_its_input_in_place() -> None:
    for norm in ("batch", "layer", "none"):
        for up in (True, False):
            x = torch.randn(2, 3, 4, 4)
            kept = x.clone()
            Block(3, 3, norm, up)(x)  # type: ignore[arg-type]
            assert torch.equal(x, kept)


# ---- initial weights, and what training needs ----


def test_initial_weights() -> None:
    """He's variance 4 / (fan_in + fan_out) in the blocks and the last layer, Glorot's 2 / (...) elsewhere."""
    G, D = Residual(width=32).generator((3, 32, 32)), Residual(width=32).critic((3, 32, 32))
    grow, shrink = G.body[0], D.body[1]
    convolutions = [layer for layer in grow.residual if isinstance(layer, nn.Conv2d)]
    variances = {
        G.project: 2 / (128 + 16 * 256),
        convolutions[0]: 4 / (9 * 256 + 9 * 128),
        convolutions[1]: 4 / (9 * 128 + 9 * 128),
        grow.shortcut: 2 / (256 + 128),
        G.body[-2]: 4 / (9 * 32 + 9 * 3),
        D.body[0]: 2 / (9 * 3 + 9 * 32),
        shrink.residual[-1]: 4 / (9 * 32 + 9 * 64),
        shrink.shortcut: 2 / (32 + 64),
        D.head: 2 / (16 * 256 + 1),
    }
    for layer, variance in variances.items():
        # For uniform weights the estimate's relative error is 0.45 / sqrt(n), 1.5% for the smallest layer.
        assert layer.weight.std().item() == pytest.approx(sqrt(variance), rel=0.06)
        assert layer.weight.abs().max().item() <= sqrt(3 * variance) * (1 + 1e-6)
        assert layer.bias is None or not layer.bias.any()


def test_a_bias_is_left_out_only_before_a_norm_with_a_shift() -> None:
    for norm in ("batch", "layer", "instance", "group", "none"):
        first, second = (m for m in Block(8, 8, norm, True).residual if isinstance(m, nn.Conv2d))  # type: ignore[arg-type]
        assert (first.bias is not None) == (norm == "none")
        assert second.bias is not None


def test_wgan_gp_accepts_the_defaults_and_refuses_batch_norm() -> None:
    refuse_contradictions(Config(network=Residual(), method=WganGp()))
    with pytest.raises(ConfigError, match="batch norm in the critic"):
        refuse_contradictions(Config(network=Residual(critic_norm="batch"), method=WganGp()))


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((3, 30, 30), "residual needs a height and width that are multiples of 8, not 30x30: use --size 32."),
        ((2,), "residual generates images, but the data have shape (2,): use --network.name mlp."),
    ],
)
def test_impossible_shapes_are_refused(shape: ImageShape, sentence: str) -> None:
    for make in (Residual().generator, Residual().critic):
        with pytest.raises(ConfigError) as refusal:
            make(shape)
        assert str(refusal.value) == sentence
