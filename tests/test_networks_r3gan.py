"""R3GAN's networks: the authors' counts, groups and initial weights, resampling, and second derivatives."""

from __future__ import annotations

import copy
from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck

from ganache.config.config import Config
from ganache.config.rules import refuse_contradictions
from ganache.errors import ConfigError
from ganache.methods import R3gan as R3ganMethod
from ganache.networks import NETWORKS, R3gan
from ganache.networks.r3block import Block, Resample
from ganache.runs.checkpoint import state_tensors
from ganache.training import build
from ganache.types import ImageShape
from weights import count, directional_derivatives, penalty, perturb

CHANNELS_LAST = torch.channels_last
SMALL = R3gan(z_dim=5, width=3, max_width=8, blocks=1, group_size=2)
SHAPE = (3, 24, 32)  # its maps are 24x32, 12x16, 6x8 and 3x4


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


# ---- the authors' settings and table of layers ----


def block(c: int, expansion: int = 2, group: int = 16) -> int:
    wide = c * expansion
    return c * wide + wide + 9 * group * wide + wide + wide * c  # 1x1, bias, grouped 3x3, bias, 1x1


def pair(widths: list[int], channels: int, z_dim: int, positions: int, blocks: int = 2) -> tuple[int, int]:
    """Return the number of weights of generator and critic, given the channels from the image's size downwards."""
    inside = blocks * sum(block(c) for c in widths)
    inside += sum(a * b for a, b in pairwise(widths) if a != b)  # 1x1 convolutions where the number of channels changes
    inside += channels * widths[0] + positions * widths[-1]  # next to the image, and the learned 4x4 map
    return inside + z_dim * widths[-1], inside + widths[-1]


@pytest.mark.parametrize(
    ("spec", "side", "widths", "stated"),
    [
        (R3gan(), 64, [32, 64, 128, 256, 256], (1_714_016, 1_697_888)),
        (R3gan(), 16, [32, 64, 128], None),
        # The authors' train.py: FFHQ-64, FFHQ-256 and CIFAR10
        (R3gan(width=384, max_width=768), 64, [384, 768, 768, 768, 768], (22_429_824, 22_381_440)),
        (R3gan(width=96, max_width=768), 256, [96, 192, 384, 768, 768, 768, 768], (23_057_952, 23_009_568)),
        (R3gan(width=768, max_width=768), 32, [768, 768, 768, 768], (20_732_160, 20_683_776)),
    ],
)
def test_counts(spec: R3gan, side: int, widths: list[int], stated: tuple[int, int] | None) -> None:
    with torch.device("meta"):
        counts = count(spec.generator((3, side, side))), count(spec.critic((3, side, side)))
    assert counts == pair(widths, channels=3, z_dim=64, positions=16)
    assert stated in (None, counts)


def test_groups_are_the_authors() -> None:
    """train.py, FFHQ-64: 48 groups next to the image, 96 elsewhere."""
    with torch.device("meta"):
        D = R3gan(width=384, max_width=768).critic((3, 64, 64))
    groups = [m.groups for m in D.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert groups == [48] * 2 + [96] * 8
    # If the group size does not divide the channels: the greatest common divisor, so 6 channels give 3 groups of 2.
    assert Block(3, 2, 16, 1).residual[2].groups == 3
    assert Block(3, 2, 6, 1).residual[2].groups == 1


@pytest.mark.parametrize(
    ("shape", "base"),
    [
        ((1, 16, 16), (12, 4, 4)),
        ((3, 24, 24), (20, 3, 3)),
        ((2, 16, 40), (12, 4, 10)),
        ((3, 48, 64), (20, 3, 4)),
        ((3, 64, 64), (20, 4, 4)),
        ((4, 40, 40), (20, 5, 5)),
        ((3, 8, 8), (6, 4, 4)),
        ((3, 256, 256), (20, 4, 4)),
    ],
)
def test_shapes(shape: ImageShape, base: ImageShape) -> None:
    spec = R3gan(z_dim=5, width=3, max_width=20, blocks=1)
    G, D = spec.generator(shape), spec.critic(shape)
    assert G.z_dim == 5
    assert G.image_shape == D.image_shape == shape
    assert G.base == base
    x = G(torch.randn(2, 5))
    assert x.shape == (2, *shape)
    assert D.features(x).shape == (2, base[0]) == (2, D.head.in_features)
    assert D(x).shape == (2,)


# ---- initial weights ----


def test_initial_weights() -> None:
    """N(0, gain^2 / fan_in), with the gain sqrt(2 / 1.04) L^(-1 / 4) in blocks; the fan-in of a grouped 3x3
    convolution is 9 x 16.

    The networks have 3 maps with 2 blocks: L = 6.
    """
    spec = R3gan(width=64)
    G, D = spec.generator((3, 16, 16)), spec.critic((3, 16, 16))
    inside = sqrt(2 / 1.04) * 6**-0.25
    for network in (G, D):
        for layer in (m for m in network.modules() if isinstance(m, Block)):
            first, _, second, _, last = layer.residual
            c = first.in_channels
            assert first.weight.std().item() == pytest.approx(inside / sqrt(c), rel=0.04)
            assert second.weight.std().item() == pytest.approx(inside / sqrt(9 * 16), rel=0.04)
            assert not last.weight.any()
            assert not first.bias.any()
            assert not second.bias.any()
            assert last.bias is None
            assert (first.out_channels, second.out_channels, last.out_channels) == (2 * c, 2 * c, c)
    expected = {
        G.project.scale.weight: 1 / 64,
        G.project.picture: 1.0,
        G.body[2].weight: 1 / 256,
        G.body[-1].weight: 1 / 64,
        D.body[0].weight: 1 / 3,
        D.body[-1].picture: 1 / 16,
        D.head.weight: 1 / 256,
    }
    for weight, variance in expected.items():
        # The estimate's relative error is 1 / sqrt(2 n): 5% for the smallest, of 192.
        assert weight.std().item() == pytest.approx(sqrt(variance), rel=0.15)
    assert D.head.bias is None


def test_a_block_starts_as_the_identity() -> None:
    layer = Block(6, 2, 4, depth=3)
    x = torch.randn(2, 6, 5, 5)
    kept = x.clone()
    assert torch.equal(layer(x), x)
    perturb(layer)
    assert (layer(x) - x).abs().max() > 0.01
    assert torch.equal(x, kept)  # its input is not changed in place


def test_initially_both_networks_are_linear() -> None:
    G, D = SMALL.generator(SHAPE).double(), SMALL.critic(SHAPE).double()
    for network, a, b in (
        (G, *torch.randn(2, 4, 5, dtype=torch.float64)),
        (lambda x: D.head(D.features(x)), *torch.randn(2, 4, *SHAPE, dtype=torch.float64)),
    ):
        torch.testing.assert_close(network(a - 3 * b), network(a) - 3 * network(b), rtol=1e-9, atol=1e-9)


def test_initial_images_and_scores_have_a_sensible_scale() -> None:
    spec = R3gan(width=32)
    G, D = spec.generator((3, 32, 32)), spec.critic((3, 32, 32))
    with torch.no_grad():
        x = G(torch.randn(16, 64))
        assert 0.2 < x.std() < 1.5  # resampling reduces the variance of 1
        assert abs(x.mean()) < 0.3
        for images in (x, torch.rand(16, 1, 1, 1).expand(16, 3, 32, 32) * 2 - 1):
            assert 0.01 < D(images).std() < 3


# ---- resampling ----


def matrix(n: int, up: bool) -> np.ndarray:
    """Return resampling along one side as a matrix: [2 n, n] for `up`, else [n / 2, n]; zeros beyond the edge."""
    if up:
        upsampled = np.zeros((2 * n, n))
        for i in range(n):  # outputs lie a quarter of a pixel from their input
            upsampled[2 * i, i] = upsampled[2 * i + 1, i] = 0.75
            if i > 0:
                upsampled[2 * i, i - 1] = 0.25
            if i < n - 1:
                upsampled[2 * i + 1, i + 1] = 0.25
        return upsampled
    downsampled = np.zeros((n // 2, n))
    for i in range(n // 2):
        for offset, weight in zip((-1, 0, 1, 2), np.convolve([1, 2, 1], [1, 1]) / 8, strict=True):
            if 0 <= 2 * i + offset < n:
                downsampled[i, 2 * i + offset] = weight
    return downsampled


@pytest.mark.parametrize("up", [True, False])
def test_resampling_equals_its_matrix(up: bool) -> None:
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64)
    expected = matrix(6, up) @ x.numpy() @ matrix(8, up).T
    np.testing.assert_allclose(Resample(up).double()(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("up", [True, False])
def test_first_and_second_derivatives_of_resampling(up: bool) -> None:
    layer = Resample(up).double()
    x = torch.randn(1, 2, 4, 6, dtype=torch.float64, requires_grad=True)
    assert gradcheck(layer, x)
    assert gradgradcheck(lambda x: layer(x).pow(3), x)


def test_the_kernel_is_not_saved_in_checkpoints() -> None:
    names = [*SMALL.generator(SHAPE).state_dict(), *SMALL.critic(SHAPE).state_dict()]
    assert names
    assert not any("kernel" in name for name in names)


# ---- what training needs ----


def test_there_is_no_normalisation() -> None:
    D = SMALL.critic(SHAPE).double()
    perturb(D)
    for network in (D, SMALL.generator(SHAPE)):
        assert not any("Norm" in type(m).__name__ for m in network.modules())
    x = torch.randn(5, *SHAPE, dtype=torch.float64)
    torch.testing.assert_close(D(x)[2], D(x[2:3])[0], rtol=1e-9, atol=1e-12)
    refuse_contradictions(Config(network=R3gan(), method=R3ganMethod()))


def test_there_is_no_tanh() -> None:
    """As in the authors' code: the image is proportional to the last weights."""
    G = SMALL.generator(SHAPE)
    z = torch.randn(4, 5)
    with torch.no_grad():
        x = G(z)
        G.body[-1].weight.mul_(8)
        torch.testing.assert_close(G(z), 8 * x)


def test_every_weight_learns() -> None:
    G, D = SMALL.generator(SHAPE), SMALL.critic(SHAPE)
    perturb(G), perturb(D)
    D(G(torch.randn(8, 5))).square().sum().backward()
    for name, p in [*G.named_parameters(), *D.named_parameters()]:
        assert p.grad is not None, name
        assert p.grad.abs().max() > 0, name


def test_double_backward_equals_finite_differences() -> None:
    """The gradient of a gradient penalty along one direction of all weights; the step crosses no kink."""
    D = SMALL.critic(SHAPE).double()
    perturb(D, by=0.05)
    x = torch.rand(4, *SHAPE, dtype=torch.float64) * 2 - 1
    analytic, numeric = directional_derivatives(D, x, penalty)
    assert analytic == pytest.approx(numeric, rel=1e-4)
    assert abs(numeric) > 1e-6


def test_bfloat16() -> None:
    G, D = SMALL.generator(SHAPE), SMALL.critic(SHAPE)
    perturb(G), perturb(D)
    with torch.autocast("cpu", torch.bfloat16):
        x = G(torch.randn(8, 5))
        assert x.dtype == torch.bfloat16
        assert all(layer(torch.rand(1, 2, 4, 4)).dtype == torch.bfloat16 for layer in (Resample(True), Resample(False)))
        scores = D(x)
    assert scores.dtype == torch.float32
    scores.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for m in (G, D) for p in m.parameters())
    images = torch.rand(4, *SHAPE) * 2 - 1
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rough = D.features(images).float()
    exact = D.features(images)
    assert (rough - exact).norm() < 0.03 * exact.norm()


def test_images_stay_channels_last() -> None:
    G, D = SMALL.generator(SHAPE), SMALL.critic(SHAPE)
    plain = copy.deepcopy(D).double()
    G.to(memory_format=CHANNELS_LAST), D.to(memory_format=CHANNELS_LAST)
    seen: list[bool] = []

    def look(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.dim() == 4:
            seen.append(output.is_contiguous(memory_format=CHANNELS_LAST))

    for layer in [*G.modules(), *D.modules()]:
        layer.register_forward_hook(look)
    x = G(torch.randn(4, 5))
    D(x)
    assert len(seen) > 40
    assert all(seen)
    x = x.detach().double()
    torch.testing.assert_close(D.double().features(x), plain.features(x.contiguous()), rtol=1e-9, atol=1e-12)


def test_all_its_weights_are_trained() -> None:
    state = build.state(build.resolve(Config(network=SMALL, method=R3ganMethod())), SHAPE)
    assert any(name.endswith("picture") for name in state_tensors(state))
    real, z = torch.rand(2, *SHAPE), torch.randn(2, 5)
    terms = R3ganMethod().d_terms(state.generator, state.critic, real, z)
    assert sorted(terms) == ["pair", "r1", "r2"]
    sum(terms.values()).backward()  # type: ignore[union-attr]
    assert all(p.grad is not None for p in state.critic.parameters())


# ---- errors ----


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((3, 30, 30), "r3gan needs a height and width that are multiples of 8, not 30x30: use --size 32."),
        ((2,), "r3gan generates images, but the data have shape (2,): use --network.name mlp."),
        (
            (5, 32, 32),
            "r3gan generates images of 1 to 4 channels, not 5: use 3 for colour or 1 for grey.",
        ),
    ],
)
def test_impossible_shapes_are_refused(shape: ImageShape, sentence: str) -> None:
    for make in (NETWORKS["r3gan"]().generator, NETWORKS["r3gan"]().critic):
        with pytest.raises(ConfigError) as refusal:
            make(shape)
        assert str(refusal.value) == sentence


@pytest.mark.parametrize("name", ["z_dim", "width", "max_width", "blocks", "expansion", "group_size"])
def test_settings_below_one_are_refused(name: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        R3gan(**{name: 0})
    assert str(refusal.value) == f"r3gan was given {name} 0, which must be 1 or more: use a larger {name}."
