"""InfoGAN's networks: the paper's table, the authors' initial weights, other norms, and what training needs."""

from __future__ import annotations

import copy
from math import sqrt

import pytest
import torch
from torch import Tensor, nn

from ganache.config.config import Config
from ganache.config.rules import refuse_contradictions
from ganache.errors import ConfigError
from ganache.fastconv import BatchNorm2d, Conv2d, ConvTranspose2d
from ganache.methods import InfoGan, R3gan, WganGp
from ganache.networks import Infogan
from ganache.networks.blocks import Norm
from ganache.training import build
from ganache.types import ImageShape
from weights import count, directional_derivatives, penalty, perturb

CHANNELS_LAST = torch.channels_last
SHAPE = (3, 12, 16)
NORMS: list[Norm] = ["batch", "layer", "instance", "group", "none"]
norms = pytest.mark.parametrize("norm", NORMS)


def small(norm: Norm = "batch") -> Infogan:
    return Infogan(z_dim=5, hidden=6, width=4, generator_norm=norm, critic_norm=norm)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


# ---- table 1 ----


@pytest.mark.parametrize(
    ("shape", "generator", "critic"),
    [((1, 28, 28), 6_645_121, 6_558_017), ((3, 64, 64), 33_832_067, 33_691_969)],
)
def test_counts(shape: ImageShape, generator: int, critic: int) -> None:
    channels, height, width = shape
    inner = (height // 4) * (width // 4) * 128
    with torch.device("meta"):
        assert count(Infogan().generator(shape)) == generator
        assert count(Infogan().critic(shape)) == critic
    # Batch norm has a gain and a shift per unit or channel, and the layer before it has no bias.
    dense = (74 * 1024 + 2 * 1024) + (1024 * inner + 2 * inner)
    assert generator == dense + (16 * 128 * 64 + 2 * 64) + (16 * 64 * channels + channels)
    convolutions = (16 * channels * 64 + 64) + (16 * 64 * 128 + 2 * 128)
    assert critic == convolutions + (inner * 1024 + 2 * 1024) + (1024 + 1)


def test_the_layers_are_those_of_the_table() -> None:
    """The type and output shape of every layer, in order, at 28x28 in grey."""
    G, D = Infogan().generator((1, 28, 28)), Infogan().critic((1, 28, 28))
    seen: list[tuple[type, tuple[int, ...]]] = []
    for layer in [*G.modules(), *D.modules()]:
        if not list(layer.children()):
            layer.register_forward_hook(lambda m, _, x: seen.append((type(m), tuple(x.shape[1:]))))
    x = G(torch.randn(2, 74))
    assert seen == [
        (nn.Linear, (1024,)),
        (nn.BatchNorm1d, (1024,)),
        (nn.ReLU, (1024,)),
        (nn.Linear, (7 * 7 * 128,)),
        (nn.BatchNorm1d, (7 * 7 * 128,)),
        (nn.ReLU, (7 * 7 * 128,)),
        (ConvTranspose2d, (64, 14, 14)),
        (BatchNorm2d, (64, 14, 14)),
        (nn.ReLU, (64, 14, 14)),
        (ConvTranspose2d, (1, 28, 28)),
        (nn.Tanh, (1, 28, 28)),
    ]
    seen.clear()
    D(x)
    kinds = [(kind, shape) for kind, shape in seen if kind.__name__ != "Flatten"]
    assert kinds == [
        (Conv2d, (64, 14, 14)),
        (nn.LeakyReLU, (64, 14, 14)),
        (Conv2d, (128, 7, 7)),
        (BatchNorm2d, (128, 7, 7)),
        (nn.LeakyReLU, (128, 7, 7)),
        (nn.Linear, (1024,)),
        (nn.BatchNorm1d, (1024,)),
        (nn.LeakyReLU, (1024,)),
        (nn.Linear, (1,)),
    ]
    for network in (G, D):
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                assert (layer.kernel_size, layer.stride) == ((4, 4), (2, 2))
            if isinstance(layer, nn.LeakyReLU):
                assert layer.negative_slope == 0.1  # appendix C.1
            if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                assert (layer.momentum, layer.eps) == (0.1, 1e-5)  # custom_ops.py: a decay of 0.9


def test_the_transposed_convolution_equals_tensorflows() -> None:
    """TensorFlow's "same" padding, 4x4 with stride 2: input i is added to outputs 2 i - 1 to 2 i + 2."""
    layer = next(m for m in small().generator(SHAPE).body if isinstance(m, nn.ConvTranspose2d)).double()
    x = torch.zeros(1, 8, 3, 4, dtype=torch.float64)
    x[0, 0, 1, 2] = 1.0
    expected = torch.zeros(4, 6, 8, dtype=torch.float64)
    expected[:, 1:5, 3:7] = layer.weight[0]
    torch.testing.assert_close(layer(x)[0], expected)


@pytest.mark.parametrize(
    "shape", [(1, 8, 8), (1, 16, 16), (3, 24, 24), (1, 28, 28), (3, 48, 64), (3, 64, 64), (4, 20, 12)]
)
def test_shapes(shape: ImageShape) -> None:
    G, D = small().generator(shape), small().critic(shape)
    assert G.z_dim == 5
    assert G.image_shape == D.image_shape == shape
    assert G.base == (8, shape[1] // 4, shape[2] // 4)
    x = G(torch.randn(3, 5))
    assert x.shape == (3, *shape)
    assert D.features(x).shape == (3, 6)
    assert D(x).shape == (3,)


def test_initial_weights() -> None:
    """custom_ops.py: standard deviation 0.02; truncation at 0.04 in the convolutions reduces it to 0.88 of that."""
    G, D = Infogan(width=32).generator((3, 16, 16)), Infogan(width=32).critic((3, 16, 16))
    for layer in [*G.modules(), *D.modules()]:
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            truncated = isinstance(layer, nn.Conv2d)
            n = layer.weight.numel()
            assert layer.weight.std().item() == pytest.approx(0.02 * (0.8796 if truncated else 1), rel=4 / sqrt(2 * n))
            assert abs(layer.weight.mean().item()) < 5 * 0.02 / sqrt(n)
            assert (layer.weight.abs().max() <= 0.04) == truncated
            assert layer.bias is None or not layer.bias.any()
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            n = layer.weight.numel()
            assert layer.weight.mean().item() == pytest.approx(1, abs=5 * 0.02 / sqrt(n))
            assert layer.weight.std().item() == pytest.approx(0.02, rel=4 / sqrt(2 * n))
            assert not layer.bias.any()


# ---- other norms ----


@norms
def test_norms_and_biases_are_in_the_right_layers(norm: Norm) -> None:
    """A norm follows every layer except the first and last; a bias precedes no norm that would remove it."""
    G, D = small(norm).generator(SHAPE), small(norm).critic(SHAPE)
    expected = {"batch": 3, "layer": 3, "instance": 1, "group": 3, "none": 0}[norm]
    assert sum("Norm" in type(m).__name__ for m in G.modules()) == expected
    assert sum("Norm" in type(m).__name__ for m in D.modules()) == expected - (norm in ("batch", "layer", "group"))
    first, second = (m for m in D.body if isinstance(m, nn.Conv2d))
    assert first.bias is not None
    assert (second.bias is None) == (norm in ("batch", "instance"))
    assert all((m.bias is None) == (norm == "batch") for m in G.project if isinstance(m, nn.Linear))
    assert D(G(torch.randn(3, 5))).isfinite().all()


@pytest.mark.parametrize("norm", NORMS)
def test_only_batch_norm_mixes_images(norm: Norm) -> None:
    D = small(norm).critic(SHAPE).double()
    perturb(D, by=0.3)
    x = torch.rand(5, *SHAPE, dtype=torch.float64)
    small_batch, large_batch = D.head(D.features(x[:2]))[0], D.head(D.features(x))[0]
    assert torch.allclose(small_batch, large_batch, rtol=1e-9, atol=1e-12) == (norm != "batch")


def test_penalties_per_image_exclude_batch_norm() -> None:
    for method in (WganGp(), R3gan()):
        refuse_contradictions(Config(network=Infogan(critic_norm="layer"), method=method))
        with pytest.raises(ConfigError, match="batch norm in the critic"):
            refuse_contradictions(Config(network=Infogan(), method=method))


# ---- what training needs ----


def test_q_reads_the_last_hidden_layer() -> None:
    config = Config(network=Infogan(z_dim=15, hidden=6, width=4), method=InfoGan())
    refuse_contradictions(config)
    state = build.state(build.resolve(config), SHAPE)
    z = build.prior(config).sample(4)
    terms = config.method.g_terms(state.generator, state.critic, torch.rand(4, *SHAPE), z)
    sum(terms.values()).backward()  # type: ignore[union-attr]
    assert state.critic.codes[0].in_features == 6
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in state.generator.parameters())


def test_images_stay_in_range() -> None:
    G = small().generator(SHAPE)
    with torch.no_grad():
        for p in G.parameters():
            p.mul_(50)  # large, so that a missing tanh is detected
        assert 0.5 < G(torch.randn(4, 5)).abs().max() <= 1


@norms
def test_every_weight_learns(norm: Norm) -> None:
    G, D = small(norm).generator(SHAPE), small(norm).critic(SHAPE)
    perturb(G), perturb(D)
    D(G(torch.randn(8, 5))).square().sum().backward()
    for name, p in [*G.named_parameters(), *D.named_parameters()]:
        assert p.grad is not None, name
        assert p.grad.abs().max() > 0, name


@norms
def test_double_backward_equals_finite_differences(norm: Norm) -> None:
    D = small(norm).critic(SHAPE).double()
    perturb(D, by=0.2)
    x = torch.rand(4, *SHAPE, dtype=torch.float64) * 2 - 1
    analytic, numeric = directional_derivatives(D, x, penalty)
    assert analytic == pytest.approx(numeric, rel=1e-4)
    assert abs(numeric) > 1e-6


def test_bfloat16_gives_float32_scores() -> None:
    G, D = small().generator(SHAPE), small().critic(SHAPE)
    with torch.autocast("cpu", torch.bfloat16):
        x = G(torch.randn(8, 5))
        assert x.dtype == torch.bfloat16
        scores = D(x)
    assert scores.dtype == torch.float32
    scores.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for m in (G, D) for p in m.parameters())


def test_images_stay_channels_last() -> None:
    G, D = small().generator(SHAPE), small().critic(SHAPE).eval()
    plain = copy.deepcopy(D).double()
    G.to(memory_format=CHANNELS_LAST), D.to(memory_format=CHANNELS_LAST)
    seen: list[bool] = []

    def look(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.dim() == 4:
            seen.append(output.is_contiguous(memory_format=CHANNELS_LAST))

    for layer in [*G.modules(), *D.modules()]:
        layer.register_forward_hook(look)
    x = G(torch.randn(4, 5)).detach()
    D(x)
    assert len(seen) > 8
    assert all(seen)
    x = x.double()
    torch.testing.assert_close(D.double().features(x), plain.features(x.contiguous()), rtol=1e-9, atol=1e-12)


# ---- errors ----


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (
            (1, 30, 30),
            "infogan needs a height and width that are multiples of 4 and at least 8, not 30x30: use --size 32.",
        ),
        ((1, 4, 4), "infogan needs a height and width that are multiples of 4 and at least 8, not 4x4: use --size 8."),
        ((2,), "infogan generates images, but the data have shape (2,): use --network.name mlp."),
        (
            (5, 28, 28),
            "infogan generates images of 1 to 4 channels, not 5: use 3 for colour or 1 for grey.",
        ),
    ],
)
def test_impossible_shapes_are_refused(shape: ImageShape, sentence: str) -> None:
    for make in (Infogan().generator, Infogan().critic):
        with pytest.raises(ConfigError) as refusal:
            make(shape)
        assert str(refusal.value) == sentence


def test_invalid_settings_are_refused() -> None:
    for name in ("z_dim", "hidden", "width"):
        with pytest.raises(ConfigError, match=f"infogan was given {name} 0, which must be 1 or more"):
            Infogan(**{name: 0})
    for name in ("generator_norm", "critic_norm"):
        with pytest.raises(ConfigError, match="infogan has no normalisation 'bach': did you mean 'batch'"):
            Infogan(**{name: "bach"})  # type: ignore[arg-type]
