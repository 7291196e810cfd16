"""Spectral norm and self-attention against Miyato et al. 2018 and Zhang et al. 2018, and resumed runs."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from math import exp
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList

from ganache.config.config import Config
from ganache.config.sections import ScheduleConfig
from ganache.core.checkpoint_file import load, save
from ganache.errors import ConfigError
from ganache.methods import Hinge
from ganache.networks import Dcgan, Network, Residual
from ganache.networks.attention import SelfAttention
from ganache.networks.spectral import SpectralNorm, apply_spectral_norm, as_matrix
from ganache.runs.checkpoint import restore, state_tensors
from ganache.training import build
from ganache.training.loop import train
from ganache.training.state import State
from ganache.types import Critic, ImageShape

SHAPE = (3, 24, 32)  # its feature maps are 12x16, 6x8 and 3x4
SPECTRAL: list[Network] = [
    Dcgan(5, 3, critic_norm="none", generator_spectral=True, critic_spectral=True, attention=6),
    Residual(5, 3, critic_norm="none", generator_spectral=True, critic_spectral=True, attention=6),
]
both = pytest.mark.parametrize("spec", SPECTRAL, ids=lambda spec: type(spec).__name__.lower())


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def wrapped(network: nn.Module) -> Iterator[nn.Module]:
    kinds = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
    return (layer for layer in network.modules() if isinstance(layer, kinds))


def perturb(network: nn.Module, by: float = 0.1) -> None:
    """Add random numbers to all weights, gamma included, so that attention has an effect."""
    with torch.no_grad():
        for p in network.parameters():
            p.add_(by * torch.randn_like(p))


def largest_singular_value(layer: nn.Module) -> float:
    """Return it for the normalised weight, reshaped to [out, in * k * k] by numpy. Call it in evaluation mode."""
    weight = layer.weight.detach().numpy()
    if isinstance(layer, nn.ConvTranspose2d):
        weight = weight.swapaxes(0, 1)
    return float(np.linalg.svd(weight.reshape(weight.shape[0], -1), compute_uv=False)[0])


# ---- spectral norm ----


@both
def test_the_largest_singular_value_is_one(spec: Network) -> None:
    """20 forward passes suffice for initial weights; after a large change u needs more to converge."""
    G, D = spec.generator(SHAPE), spec.critic(SHAPE)
    for forwards in (20, 200):
        for _ in range(forwards):
            D(G(torch.randn(2, 5)))
        for network in (G.eval(), D.eval()):
            norms = [largest_singular_value(layer) for layer in wrapped(network)]
            assert len(norms) >= 8
            assert norms == pytest.approx([1] * len(norms), rel=0.01)
        G.train(), D.train()
        perturb(G), perturb(D)


def test_wide_layers_start_near_one() -> None:
    """At full width after the warm-up alone. Random matrices are the hardest case, as their spectrum is dense."""
    D = apply_spectral_norm(
        nn.Sequential(nn.Conv2d(128, 128, 4), nn.ConvTranspose2d(128, 64, 4), nn.Linear(512, 256))
    ).eval()
    assert [largest_singular_value(layer) for layer in D] == pytest.approx([1] * 3, rel=0.05)


def test_as_matrix_equals_the_papers_up_to_the_order_of_columns() -> None:
    """The order of columns does not change the product of the matrix with its transpose."""
    weight = torch.randn(4, 6, 3, 5)
    for transposed, plain in [(False, weight.flatten(1)), (True, weight.transpose(0, 1).flatten(1))]:
        mine = as_matrix(weight, transposed)
        torch.testing.assert_close(mine @ mine.T, plain @ plain.T)
        ordered = weight.contiguous(memory_format=torch.channels_last)
        assert as_matrix(ordered, transposed).data_ptr() == ordered.data_ptr()  # a view
        assert torch.equal(as_matrix(ordered, transposed), mine)


def test_each_forward_pass_is_one_power_iteration() -> None:
    """Algorithm 1 in numpy, from the same u."""
    layer = apply_spectral_norm(nn.ConvTranspose2d(4, 3, 2).double())
    perturb(layer)  # far from the weights of the warm-up
    norm = next(m for m in layer.modules() if isinstance(m, SpectralNorm))
    matrix = layer.parametrizations.weight.original.detach().numpy().swapaxes(0, 1).reshape(3, -1)
    u = norm.u.numpy().copy()
    v = matrix.T @ u
    v /= np.linalg.norm(v)
    u = matrix @ v
    u /= np.linalg.norm(u)
    expected = matrix / (u @ matrix @ v)
    np.testing.assert_allclose(layer.weight.detach().numpy().swapaxes(0, 1).reshape(3, -1), expected, rtol=1e-12)
    np.testing.assert_allclose(norm.u.numpy(), u, rtol=1e-12)


def test_the_gradient_is_that_of_section_2_3() -> None:
    """dL/dW = (dL/dW' - <dL/dW', W'> u v^T) / sigma, orthogonal to W: <gradient, W> = 0."""
    layer = apply_spectral_norm(nn.Linear(4, 3).double()).eval()
    gradient = torch.randn(3, 4, dtype=torch.float64)
    weight = layer.weight
    (weight * gradient).sum().backward()
    original = layer.parametrizations.weight.original
    u = layer.parametrizations.weight[0].u
    v = original.detach().T @ u
    v /= v.norm()
    u = original.detach() @ v
    sigma, u = u.norm(), u / u.norm()
    expected = (gradient - (gradient * weight.detach()).sum() * u.outer(v)) / sigma
    torch.testing.assert_close(original.grad, expected)
    assert abs((original.grad * original).sum().item()) < 1e-12


@both
def test_evaluation_mode_changes_no_state(spec: Network) -> None:
    G = spec.generator(SHAPE).eval()
    kept = copy.deepcopy(G.state_dict())
    z = torch.randn(4, 5)
    assert torch.equal(G(z), G(z))
    assert all(torch.equal(tensor, kept[name]) for name, tensor in G.state_dict().items())
    G.train()(z)
    assert not all(torch.equal(tensor, kept[name]) for name, tensor in G.state_dict().items() if name.endswith(".u"))


@both
def test_a_copy_is_independent(spec: Network) -> None:
    G = spec.generator(SHAPE)
    perturb(G)
    average = copy.deepcopy(G).requires_grad_(False).eval()
    assert set(average.state_dict()) == set(G.state_dict())
    z = torch.randn(4, 5)
    before = average(z)
    perturb(G), G(z)
    assert torch.equal(average(z), before)
    assert not torch.equal(G.eval()(z), before)


def test_the_length_of_u_has_no_effect() -> None:
    """An average of u is shorter than 1, but gives the same normalised weight."""
    layer = apply_spectral_norm(nn.Linear(6, 4).double()).eval()
    before = layer.weight
    layer.parametrizations.weight[0].u.mul_(0.5)
    torch.testing.assert_close(layer.weight, before, rtol=1e-12, atol=0)


@both
def test_bfloat16_leaves_the_iteration_in_float32(spec: Network) -> None:
    D = spec.critic(SHAPE)
    perturb(D)
    other = copy.deepcopy(D)
    x = torch.rand(2, *SHAPE)
    D(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert other.features(x).dtype == torch.bfloat16
        scores = other(x)  # the body's second power iteration
    D.features(x)
    assert scores.dtype == torch.float32
    for plain, autocast in zip(D.buffers(), other.buffers(), strict=True):
        assert plain.dtype == autocast.dtype == torch.float32
        assert torch.equal(plain, autocast)
    with torch.autocast("cpu", torch.bfloat16):
        weights = [layer.weight for layer in wrapped(other.eval())]
    for weight, layer in zip(weights, wrapped(D.eval()), strict=True):
        assert weight.dtype == torch.float32
        assert torch.equal(weight, layer.weight)


def test_memory_format_does_not_change_the_result() -> None:
    D = SPECTRAL[0].critic(SHAPE).double()
    ordered = copy.deepcopy(D).to(memory_format=torch.channels_last)
    x = torch.rand(4, *SHAPE, dtype=torch.float64)
    for _ in range(3):
        torch.testing.assert_close(ordered.features(x), D.features(x), rtol=1e-9, atol=1e-12)


@both
def test_images_stay_channels_last(spec: Network) -> None:
    G, D = (network.to(memory_format=torch.channels_last) for network in (spec.generator(SHAPE), spec.critic(SHAPE)))
    seen: list[bool] = []

    def look(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.dim() == 4 and not isinstance(layer, SpectralNorm | ParametrizationList):
            seen.append(output.is_contiguous(memory_format=torch.channels_last))

    for layer in [*G.modules(), *D.modules()]:
        layer.register_forward_hook(look)
    D(G(torch.randn(4, 5)))
    assert len(seen) > 20
    assert all(seen)


def test_initial_weights_are_those_without_spectral_norm() -> None:
    """Spectral norm changes how weights are used, not their initial values."""
    plain = Dcgan(5, 3).critic(SHAPE)
    torch.manual_seed(0)
    normal = Dcgan(5, 3, critic_spectral=True).critic(SHAPE)
    for a, b in zip(wrapped(plain), wrapped(normal), strict=True):
        assert torch.equal(a.weight, b.parametrizations.weight.original)


def test_networks_can_be_built_on_the_meta_device() -> None:
    """So that sizes can be checked without computing weights."""
    with torch.device("meta"):
        for spec in SPECTRAL:
            spec.generator(SHAPE), spec.critic(SHAPE)


# ---- a run ----


@both
def test_a_resumed_run_has_the_same_bits(spec: Network, tmp_path: Path) -> None:
    """A checkpoint contains u and gamma, for the averaged generator too; networks are channels_last."""
    schedule = ScheduleConfig(batch=2, critic_steps=2, ema_half_life=10.0)
    resolved = build.resolve(Config(network=spec, method=Hinge(), schedule=schedule))

    class Noise:
        def __getitem__(self, index: int, /) -> Tensor:
            x = torch.rand(2, *SHAPE, generator=torch.Generator().manual_seed(index)) * 2 - 1
            return x.contiguous(memory_format=torch.channels_last)

    def advance(state: State, steps: int) -> None:
        reports = train(state, resolved.method, Noise(), resolved.prior, build.plan(resolved))
        for _ in range(steps):
            next(reports)

    whole, half = build.state(resolved, SHAPE), build.state(resolved, SHAPE)
    advance(whole, 4), advance(half, 2)
    file = tmp_path / "half.safetensors"
    header = {
        "step": half.step,
        "batch_index": half.batch_index,
        "seconds": 0.0,
        "config": {},
        "image_shape": [3, 16, 16],
    }
    save(file, state_tensors(half), header)
    again = build.state(resolved.with_seed(1), SHAPE)
    restore(again, *load(file))
    advance(again, 2)
    expected, actual = state_tensors(whole), state_tensors(again)
    assert {"critic.head.parametrizations.weight.0.u", "average.project.parametrizations.weight.0.u"} <= set(expected)
    assert set(actual) == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(actual[name], tensor), name


# ---- self-attention ----


def test_attention_starts_as_the_identity() -> None:
    x = torch.randn(2, 16, 6, 8)
    layer = SelfAttention(16)
    assert torch.equal(layer(x), x)
    assert [layer.query.out_channels, layer.key.out_channels, layer.value.out_channels] == [2, 2, 8]
    limit = (6 / (16 + 8)) ** 0.5  # Glorot & Bengio 2010
    assert 0.9 * limit < layer.value.weight.abs().max().item() <= limit


@pytest.mark.parametrize("sides", [(4, 4), (4, 6), (5, 3)])
def test_attention_equals_its_loops(sides: tuple[int, int]) -> None:
    """Position by position in Python; the last line of an odd side gives no key and no value."""
    (h, w), channels = sides, 8
    layer = SelfAttention(channels).double()
    nn.init.ones_(layer.gamma)
    x = torch.randn(2, channels, h, w, dtype=torch.float64)
    mapped = {
        name: np.einsum("oc,bchw->bohw", getattr(layer, name).weight.detach()[:, :, 0, 0].numpy(), x.numpy())
        for name in ("query", "key", "value")
    }
    expected = x.numpy().copy()
    for b in range(2):
        cells = [(2 * i, 2 * j) for i in range(h // 2) for j in range(w // 2)]
        keys, values = (
            [mapped[name][b, :, i : i + 2, j : j + 2].max((1, 2)) for i, j in cells] for name in ("key", "value")
        )
        for i in range(h):
            for j in range(w):
                likes = [exp(sum(mapped["query"][b, :, i, j] * key)) for key in keys]
                seen = sum(like * value for like, value in zip(likes, values, strict=True)) / sum(likes)
                expected[b, :, i, j] += layer.out.weight.detach()[:, :, 0, 0].numpy() @ seen
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-10)
    ordered = layer.to(memory_format=torch.channels_last)(x.contiguous(memory_format=torch.channels_last))
    assert ordered.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(ordered.detach().numpy(), expected, rtol=1e-10)


def test_attention_in_bfloat16() -> None:
    layer = SelfAttention(16)
    nn.init.ones_(layer.gamma)
    x = torch.randn(2, 16, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        rough = layer(x.bfloat16())
    assert rough.dtype == torch.bfloat16  # the float32 gamma does not promote it
    torch.testing.assert_close(rough.float(), layer(x), rtol=0.05, atol=0.05)


def penalty(D: Critic, x: Tensor) -> Tensor:
    """Return E |grad_x D(x)|^2, in the precision of the network."""
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(D.head(D.features(x)).sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(1).mean()


@both
def test_double_backward_equals_finite_differences(spec: Network) -> None:
    """Through spectral norm and attention.

    Treating u and v as constants gives the derivative of sigma only where u is the singular vector, so 200 forward
    passes come first. Each evaluation makes one more.
    """
    D = spec.critic(SHAPE).double()
    perturb(D)
    x = torch.rand(2, *SHAPE, dtype=torch.float64)
    with torch.no_grad():
        for _ in range(200):
            D.features(x), D.head(torch.zeros(1, D.head.in_features, dtype=torch.float64))
    weights = list(D.parameters())
    directions = [torch.randn_like(p) for p in weights]
    gradients = torch.autograd.grad(penalty(D, x), weights, allow_unused=True)
    analytic = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True) if g is not None)

    def moved(step: float) -> float:
        with torch.no_grad():
            for p, d in zip(weights, directions, strict=True):
                p.add_(d, alpha=step)
        value = penalty(D, x).item()
        with torch.no_grad():
            for p, d in zip(weights, directions, strict=True):
                p.sub_(d, alpha=step)
        return value

    step = 1e-7
    numeric = (moved(step) - moved(-step)) / (2 * step)
    assert float(analytic) == pytest.approx(numeric, rel=1e-3)
    assert abs(numeric) > 1e-9


@both
def test_every_weight_learns(spec: Network) -> None:
    """With gamma != 0 the layers inside attention learn too. One backward pass covers two forward passes."""
    G, D = spec.generator(SHAPE), spec.critic(SHAPE)
    for network in (G, D):
        (layer,) = (m for m in network.modules() if isinstance(m, SelfAttention))
        nn.init.ones_(layer.gamma)
    z = torch.randn(4, 5)
    (D(G(z)) - D(torch.rand(4, *SHAPE)).square()).sum().backward()
    for name, p in [*G.named_parameters(), *D.named_parameters()]:
        assert p.grad is not None, name
        assert p.grad.abs().max() > 0, name


@pytest.mark.parametrize(
    ("spec", "shape", "sides"),
    [
        (Dcgan(5, 3), (3, 64, 64), [4, 8, 16, 32]),
        (Dcgan(5, 3), (3, 48, 64), [3, 6, 12, 24]),
        (Residual(5, 3), (3, 24, 24), [3, 6, 12, 24]),
    ],
)
def test_attention_is_at_the_requested_side(spec: Dcgan | Residual, shape: ImageShape, sides: list[int]) -> None:
    for side in sides:
        for make in (replace(spec, attention=side).generator, replace(spec, attention=side).critic):
            network = make(shape)
            seen: list[int] = []
            (layer,) = (m for m in network.modules() if isinstance(m, SelfAttention))
            layer.register_forward_hook(lambda _, inputs, x, seen=seen: seen.append(min(x.shape[2:])))
            network(torch.randn(2, 5) if make.__name__ == "generator" else torch.rand(2, *shape))
            assert seen == [side]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (
            Dcgan(attention=64),
            "dcgan has no feature map of side 64 for self-attention: at 64x96 the shorter sides are 4, 8, 16, 32, "
            "so use --network.attention 32.",
        ),
        (
            Residual(attention=7),
            "residual has no feature map of side 7 for self-attention: at 64x96 the shorter sides are 4, 8, 16, 32, "
            "64, so use --network.attention 8.",
        ),
    ],
)
def test_a_side_without_a_feature_map_is_refused(spec: Network, sentence: str) -> None:
    for make in (spec.generator, spec.critic):
        with pytest.raises(ConfigError) as refusal:
            make((3, 64, 96))
        assert str(refusal.value) == sentence
