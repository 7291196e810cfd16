"""Networks: published weight counts, conventions of Keras and fluid, and what training needs of every family."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganache.errors import ConfigError
from ganache.fastconv import BatchNorm2d, Conv2d, ConvTranspose2d
from ganache.networks import NETWORKS, AnimeArticle, Dcgan, Mlp, Network, Residual, WganArticle
from ganache.networks.blocks import flatten, normalisation, unflatten
from ganache.types import Critic, ImageShape
from weights import count, perturb

CHANNELS_LAST = torch.channels_last

# Every family, small, and a size that all of them support.
SMALL: list[Network] = [
    AnimeArticle(z_dim=5, width=2),
    Dcgan(z_dim=5, width=3),
    Dcgan(z_dim=5, width=3, generator_norm="none", critic_norm="none"),
    Dcgan(z_dim=5, width=3, self_modulation=True),
    Mlp(z_dim=5, hidden=32),
    WganArticle(z_dim=5, hidden=7, width=2),
    Residual(z_dim=5, width=3),
    Residual(z_dim=5, width=3, generator_norm="none", critic_norm="none"),
]
SHAPE = (3, 24, 32)

small = pytest.mark.parametrize("spec", SMALL, ids=lambda spec: type(spec).__name__.lower())


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def images(n: int, shape: ImageShape = SHAPE) -> Tensor:
    """Return random x [n, *shape] in [-1, 1], channels_last for images."""
    x = torch.rand(n, *shape) * 2 - 1
    return x.contiguous(memory_format=CHANNELS_LAST) if len(shape) == 3 else x


# ---- published counts of weights, one line per layer ----


def test_anime_article_counts() -> None:
    generator = (
        (64 * 131072 + 131072)  # dense
        + (5 * 5 * 128 * 256 + 256)
        + (4 * 4 * 256 * 256 + 256)  # transposed
        + 2 * (5 * 5 * 256 * 256 + 256)
        + (7 * 7 * 256 * 3 + 3)
    )
    assert generator == 13_702_915  # the article: 13.7 million
    assert count(AnimeArticle().generator((3, 64, 64))) == generator
    assert count(AnimeArticle().critic((3, 64, 64))) == 795_009  # the article


def test_wgan_article_counts() -> None:
    generator = (
        (100 * 1024 + 1024)
        + (1024 * 6272 + 6272 + 2 * 6272)  # dense, batch norm
        + (5 * 5 * 128 * 64 + 64)
        + (5 * 5 * 64 * 1 + 1)
    )
    critic = 9 * (1 * 32 + 32 * 64 + 64 * 128) + 2 * (32 + 64 + 128) + (128 + 1)
    assert count(WganArticle().generator((1, 28, 28))) == generator == 6_751_233
    assert count(WganArticle().critic((1, 28, 28))) == critic == 93_025


def test_dcgan_counts() -> None:
    g = 64  # dcgan.torch: ngf = ndf = 64, no biases
    generator = 16 * (100 * 8 * g + 8 * 4 * g * g + 4 * 2 * g * g + 2 * g * g + 3 * g) + 2 * (8 + 4 + 2 + 1) * g
    critic = 16 * (3 * g + 2 * g * g + 2 * 4 * g * g + 4 * 8 * g * g + 8 * g) + 2 * (2 + 4 + 8) * g
    assert count(Dcgan().generator((3, 64, 64))) == generator == 3_576_704
    assert count(Dcgan().critic((3, 64, 64))) == critic == 2_765_568


def test_mlp_counts() -> None:
    hidden = 3 * (512 * 512 + 512)
    assert count(Mlp().generator((1, 28, 28))) == (100 * 512 + 512) + hidden + (512 * 784 + 784)
    assert count(Mlp(z_dim=2).generator((2,))) == (2 * 512 + 512) + hidden + (512 * 2 + 2)
    assert count(Mlp().critic((2,))) == (2 * 512 + 512) + hidden + (512 + 1)


# ---- shapes ----


DCGAN, ANIME = Dcgan(z_dim=4, width=2), AnimeArticle(z_dim=4, width=2)
WGAN, MLP = WganArticle(z_dim=4, hidden=6, width=2), Mlp(z_dim=4, hidden=6)


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        *((DCGAN, (c, 64, 64)) for c in (1, 2, 3, 4)),
        *((DCGAN, (3, h, w)) for h, w in [(8, 8), (16, 40), (24, 24), (48, 64), (56, 8), (128, 128)]),
        *((ANIME, shape) for shape in [(1, 24, 24), (3, 30, 64), (4, 128, 128)]),
        *((WGAN, shape) for shape in [(1, 28, 28), (3, 24, 64), (2, 128, 32)]),
        *((MLP, shape) for shape in [(2,), (1, 28, 28), (3, 5, 9)]),
    ],
)
def test_shapes(spec: Network, shape: ImageShape) -> None:
    G, D = spec.generator(shape), spec.critic(shape)
    assert G.z_dim == spec.z_dim == 4
    assert G.image_shape == D.image_shape == shape
    x = G(torch.randn(3, 4))
    assert x.shape == (3, *shape)
    features = D.features(x)
    assert features.dim() == 2
    assert D.head(features).shape == (3, 1)
    assert D(x).shape == (3,)


def test_dcgan_halves_down_to_the_documented_size() -> None:
    bases = {
        (64, 64): (4, 4),
        (24, 24): (3, 3),
        (48, 64): (3, 4),
        (40, 40): (5, 5),
        (128, 128): (4, 4),
        (8, 64): (4, 32),
    }
    for sides, base in bases.items():
        G = Dcgan(width=1).generator((3, *sides))
        assert G.base[1:] == base


def test_dcgan_channels_double_up_to_max_width() -> None:
    def channels(spec: Dcgan) -> list[int]:
        return [layer.out_channels for layer in spec.critic((3, 64, 64)).body if isinstance(layer, nn.Conv2d)]

    assert channels(Dcgan(width=2)) == [2, 4, 8, 16]
    assert channels(Dcgan(width=2, max_width=6)) == [2, 4, 6, 6]


def test_dcgan_normalises_all_layers_except_the_first_and_last() -> None:
    """Section 3: batch norm everywhere except in the generator's last layer and the critic's first."""
    layers = [type(layer) for layer in Dcgan(width=2).generator((3, 32, 32)).body]
    up, down, norm = ConvTranspose2d, Conv2d, BatchNorm2d
    assert layers == [norm, nn.ReLU, up, norm, nn.ReLU, up, norm, nn.ReLU, up, nn.Tanh]
    layers = [type(layer) for layer in Dcgan(width=2).critic((3, 32, 32)).body]
    leaky = nn.LeakyReLU
    assert layers == [down, leaky, down, norm, leaky, down, norm, leaky]


@pytest.mark.parametrize(("norm", "axes"), [("layer", (1, 2, 3)), ("instance", (2, 3))])
def test_layer_and_instance_norm_use_the_statistics_of_each_image(norm, axes) -> None:  # type: ignore[no-untyped-def]
    x = 3 + 2 * torch.randn(4, 6, 5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    (layer,) = normalisation(norm, 6)
    centred = x - x.mean(axes, keepdim=True)
    expected = centred / (centred.square().mean(axes, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(layer.double()(x), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("norm", ["layer", "instance", "group", "none"])
def test_with_these_norms_a_score_depends_on_its_own_image_alone(norm) -> None:  # type: ignore[no-untyped-def]
    torch.manual_seed(0)
    D = Dcgan(width=4, critic_norm=norm).critic((3, 16, 16)).double()
    x = torch.randn(5, 3, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(D(x)[2], D(x[2:3])[0], rtol=1e-9, atol=1e-12)


def test_without_a_norm_layers_have_a_bias() -> None:
    """A norm has a gain and a shift per channel, which replace the bias of the layer before it."""
    spec = Dcgan(width=2)
    plain = Dcgan(width=2, generator_norm="none", critic_norm="none")
    # 24x32 from 3x4 with 8, 4 and 2 channels. The projection has a bias per unit, a convolution per channel.
    assert count(plain.critic(SHAPE)) - count(spec.critic(SHAPE)) == (4 + 8) - 2 * (4 + 8)
    assert count(plain.generator(SHAPE)) - count(spec.generator(SHAPE)) == (3 * 4 * 8 + 4 + 2) - 2 * (8 + 4 + 2)
    for network in (plain.generator(SHAPE), plain.critic(SHAPE)):
        assert not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())


# ---- conventions of the sources, against independent arithmetic ----


def test_keras_transposed_convolution() -> None:
    """Keras' "same" transposed convolution is the adjoint of TensorFlow's "same" convolution.

    A 4x4 convolution of stride 2 on 2n values pads (n - 1) * 2 + 4 - 2n = 2 values, half of them at the start, so its
    output i reads inputs 2i - 1 to 2i + 2. The adjoint therefore adds input i to outputs 2i - 1 to 2i + 2.
    """
    layer = next(m for m in AnimeArticle(width=1).generator((3, 24, 24)).body if isinstance(m, nn.ConvTranspose2d))
    layer = layer.double()
    x = torch.randn(1, 2, 3, 5, dtype=torch.float64)
    kernel = layer.weight.detach().numpy()  # [in, out, 4, 4]
    expected = np.zeros((2, 6, 10))
    for i, j, a, b in np.ndindex(3, 5, 4, 4):
        row, column = 2 * i - 1 + a, 2 * j - 1 + b
        if 0 <= row < 6 and 0 <= column < 10:
            expected[:, row, column] += x[0, :, i, j].numpy() @ kernel[:, :, a, b]
    np.testing.assert_allclose(layer(x)[0].detach().numpy(), expected, rtol=1e-12, atol=1e-12)


def test_flattened_images_are_in_height_width_channel_order() -> None:
    x = torch.randn(2, 3, 4, 5)
    np.testing.assert_array_equal(flatten(x), x.numpy().transpose(0, 2, 3, 1).reshape(2, 60))
    assert torch.equal(unflatten(flatten(x), (3, 4, 5)), x)


def test_slopes() -> None:
    def slopes(spec: Network) -> set[float]:
        return {m.negative_slope for m in spec.critic(SHAPE).modules() if isinstance(m, nn.LeakyReLU)}

    assert slopes(AnimeArticle(width=1)) == {0.3}  # Keras
    assert slopes(Dcgan(width=1)) == {0.2}  # the paper, section 4
    assert slopes(WganArticle(width=1)) == {0.02}  # fluid


# ---- initial weights ----


def test_dcgan_weights() -> None:
    for network in (Dcgan().generator((3, 64, 64)), Dcgan().critic((3, 64, 64))):
        for layer in network.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
                # The estimate's relative error is 1 / sqrt(2 n): 1.3% for the smallest layer, of 3072.
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.05)
                assert abs(layer.weight.mean().item()) < 5 * 0.02 / sqrt(layer.weight.numel())
                assert layer.bias is None
            elif isinstance(layer, nn.BatchNorm2d):
                assert layer.weight.mean().item() == pytest.approx(1, abs=5 * 0.02 / 8)  # 64 channels or more
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.5)
                assert not layer.bias.any()


def test_anime_article_weights() -> None:
    """Glorot uniform: the limit is sqrt(6 / (fan_in + fan_out)), and the largest weight comes close to it."""
    G, D = AnimeArticle(width=32).generator((3, 64, 64)), AnimeArticle(width=32).critic((3, 64, 64))
    fans = {
        G.project: (64, 32 * 32 * 32),
        G.body[1]: (25 * 32, 25 * 64),
        G.body[3]: (16 * 64, 16 * 64),
        G.body[9]: (49 * 64, 49 * 3),
        D.body[0]: (9 * 3, 9 * 32),
        D.head: (6 * 6 * 32, 1),
    }
    for layer, (fan_in, fan_out) in fans.items():
        limit = sqrt(6 / (fan_in + fan_out))
        assert 0.98 * limit < layer.weight.abs().max().item() <= limit
        assert layer.weight.std().item() == pytest.approx(limit / sqrt(3), rel=0.06)
        assert not layer.bias.any()


def test_wgan_article_weights() -> None:
    G = WganArticle().generator((1, 28, 28))
    dense, conv = G.project[2], G.body[0]
    assert dense.weight.abs().max().item() == pytest.approx(sqrt(6 / (1024 + 6272)), rel=0.001)
    assert conv.weight.std().item() == pytest.approx(sqrt(2 / (25 * 128)), rel=0.02)
    assert not dense.bias.any()
    assert not conv.bias.any()


# ---- what training needs of every family ----


@small
def test_images_stay_in_range(spec: Network) -> None:
    G = spec.generator(SHAPE)
    with torch.no_grad():
        for p in G.parameters():
            p.mul_(50)  # large, so that a missing tanh is detected
        assert 0.5 < G(torch.randn(4, spec.z_dim)).abs().max() <= 1


def test_points_do_not_pass_through_tanh() -> None:
    G = Mlp(z_dim=2).generator((2,))
    with torch.no_grad():
        for p in G.parameters():
            p.mul_(2)
        assert G(10 * torch.randn(50, 2)).abs().max() > 1.5


@small
def test_bfloat16_gives_raw_float32_scores(spec: Network) -> None:
    G, D = spec.generator(SHAPE), spec.critic(SHAPE)
    with torch.no_grad():
        D.head.weight.mul_(100)  # large, so that a sigmoid is detected
    with torch.autocast("cpu", torch.bfloat16):
        x = G(torch.randn(16, spec.z_dim))
        assert x.dtype == torch.bfloat16
        scores = D(x)
    assert scores.dtype == torch.float32
    assert not ((scores >= 0) & (scores <= 1)).all()
    scores.square().sum().backward()
    for network in (G, D):
        assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())
        for name, buffer in network.named_buffers():
            assert buffer.dtype == (torch.int64 if "num_batches" in name else torch.float32)


@small
def test_bfloat16_is_close_to_float32(spec: Network) -> None:
    D = spec.critic(SHAPE).eval()
    x = images(4)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        rough = D.features(x).float()
    exact = D.features(x)
    assert (rough - exact).norm() < 0.03 * exact.norm()


@small
def test_images_stay_channels_last(spec: Network) -> None:
    """Every feature map in both networks is channels_last, so that no layer has to copy its input."""
    G = spec.generator(SHAPE).to(memory_format=CHANNELS_LAST)
    D = spec.critic(SHAPE).to(memory_format=CHANNELS_LAST)
    seen: list[bool] = []

    def look(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.dim() == 4:
            seen.append(output.is_contiguous(memory_format=CHANNELS_LAST))

    for layer in [*G.modules(), *D.modules()]:
        layer.register_forward_hook(look)
    x = G(torch.randn(4, spec.z_dim))
    D(x)
    assert x.is_contiguous(memory_format=CHANNELS_LAST)
    assert seen
    assert all(seen)


def test_flatten_and_unflatten_are_views() -> None:
    x = images(4)
    assert flatten(x).data_ptr() == x.data_ptr()
    rows = torch.randn(4, 24)
    assert unflatten(rows, (2, 3, 4)).data_ptr() == rows.data_ptr()


@small
def test_memory_format_does_not_change_the_result(spec: Network) -> None:
    D = spec.critic(SHAPE).double().eval()
    x = images(4).double()
    ordered = D.features(x)
    D.to(memory_format=CHANNELS_LAST)
    torch.testing.assert_close(D.features(x.contiguous()), ordered, rtol=1e-9, atol=1e-12)


@small
def test_in_evaluation_mode_an_image_depends_on_its_latent_alone(spec: Network) -> None:
    G = spec.generator(SHAPE).double()
    perturb(G)
    z = torch.randn(8, spec.z_dim, dtype=torch.float64)
    with torch.no_grad():
        G(z)  # fills the running statistics
        G.eval()
        torch.testing.assert_close(G(z[:1]), G(z)[:1], rtol=1e-9, atol=1e-12)
        assert (G(z)[1] - G(z)[0]).abs().max() > 1e-3  # and the latents have an effect


def test_in_training_mode_batch_norm_makes_images_depend_on_each_other() -> None:
    """The counterpart of the test above."""
    G = Dcgan(z_dim=5, width=3).generator(SHAPE).double()
    perturb(G)
    z = torch.randn(8, 5, dtype=torch.float64)
    with torch.no_grad():
        assert (G(z[:2]) - G(z)[:2]).abs().max() > 1e-3


@small
def test_every_weight_learns(spec: Network) -> None:
    """Every weight has a gradient, except one that is redundant in fluid too."""
    G, D = spec.generator(SHAPE), spec.critic(SHAPE)
    D(G(torch.randn(8, spec.z_dim))).square().sum().backward()
    for name, p in [*G.named_parameters(), *D.named_parameters()]:
        if name == "project.2.bias" and isinstance(spec, WganArticle):
            continue  # the bias before the batch norm
        assert p.grad is not None, name
        assert p.grad.abs().max() > 0, name


def penalty(D: Critic, x: Tensor) -> Tensor:
    """Return E |grad_x D(x)|^2, as in R1, in the precision of the network."""
    x = x.clone().requires_grad_()
    scores = D.head(D.features(x)).flatten()  # [B]
    (slope,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    return slope.square().flatten(1).sum(1).mean()


@small
def test_double_backward_equals_finite_differences(spec: Network) -> None:
    """The gradient of a gradient penalty, along one random direction of all weights, in float64.

    LeakyReLU and max pooling have kinks; the step is so small that no unit crosses one.
    """
    if isinstance(spec, AnimeArticle):
        spec = replace(spec, dropout=0.0)  # both evaluations need the same network
    D = spec.critic(SHAPE).double()
    perturb(D, by=0.05)
    x = images(4).double()
    weights = list(D.parameters())
    gradients = torch.autograd.grad(penalty(D, x), weights, allow_unused=True)
    directions = [torch.randn_like(p) for p in weights]
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
    assert float(analytic) == pytest.approx(numeric, rel=1e-4)
    assert abs(numeric) > 1e-6


@small
def test_double_backward_is_finite_in_float32(spec: Network) -> None:
    D = spec.critic(SHAPE)
    penalty(D, images(4)).backward()
    gradients = [p.grad for p in D.parameters() if p.grad is not None]
    assert gradients
    assert all(g.isfinite().all() for g in gradients)


def test_dropout_is_active_only_in_training_mode() -> None:
    D = AnimeArticle(width=8, dropout=0.4).critic((3, 64, 64))
    x = images(8, (3, 64, 64))
    zeros = (D.features(x) == 0).double().mean().item()
    assert zeros == pytest.approx(0.4, abs=0.05)  # 2304 numbers: a standard error of 0.01
    D.eval()
    assert not (D.features(x) == 0).any()


# ---- errors ----


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Dcgan().generator((3, 30, 30)),
            "dcgan needs a height and width that are multiples of 8, not 30x30: use --size 32.",
        ),
        (
            lambda: Dcgan().critic((3, 48, 50)),
            "dcgan needs a height and width that are multiples of 8, not 48x50: use --size 48x56.",
        ),
        (
            lambda: AnimeArticle().critic((3, 16, 16)),
            "anime-article needs a height and width that are multiples of 2 and at least 24, not 16x16: use --size 24.",
        ),
        (
            lambda: WganArticle().generator((1, 27, 27)),
            "wgan-article needs a height and width that are multiples of 4 and at least 24, not 27x27: use --size 28.",
        ),
        (
            lambda: Dcgan().generator((5, 32, 32)),
            "dcgan generates images of 1 to 4 channels, not 5: use 3 for colour or 1 for grey.",
        ),
        (
            lambda: WganArticle().critic((2,)),
            "wgan-article generates images, but the data have shape (2,): use --network.name mlp.",
        ),
        (
            lambda: Mlp().critic((8, 3, 32, 32)),
            "mlp was given the shape (8, 3, 32, 32), but expects one image (C, H, W) or one point (2,): leave out the "
            "batch dimension.",
        ),
        (
            lambda: Dcgan(critic_norm="bach"),  # type: ignore[arg-type]
            "dcgan has no normalisation 'bach': did you mean 'batch'?",
        ),
        (
            lambda: Dcgan(max_width=0),
            "dcgan was given max_width 0, which must be 1 or more: use a larger max_width.",
        ),
        (lambda: Mlp(layers=0), "mlp was given layers 0, which must be 1 or more: use a larger layers."),
        (
            lambda: AnimeArticle(dropout=1.0),
            "anime-article was given dropout 1.0, which must be at least 0 and below 1: use 0.4.",
        ),
    ],
)
def test_errors_are_one_sentence(make: object, sentence: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        make()  # type: ignore[operator]
    assert str(refusal.value) == sentence


def test_the_suggested_size_works() -> None:
    for name in ("anime-article", "dcgan", "wgan-article", "residual"):
        spec = NETWORKS[name]()
        for side in range(1, 70):
            with torch.device("meta"):  # shapes without values
                try:
                    spec.critic((1, side, side))
                except ConfigError as refusal:
                    better = int(str(refusal).rpartition("--size ")[2].rstrip("."))
                    assert better > side
                    spec.critic((1, better, better))


def test_the_table_names_each_family_once() -> None:
    assert list(NETWORKS) == sorted(NETWORKS)
    assert [family.__name__.lower() for family in NETWORKS.values()] == [name.replace("-", "") for name in NETWORKS]
