"""Style-based networks: each block against a second computation as the paper writes it, and what training needs."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganache import find_checkpoint, load_generator, prior
from ganache.cli import main
from ganache.config.config import recipe
from ganache.config.rules import refuse_contradictions
from ganache.config.sections import DataConfig
from ganache.errors import ConfigError
from ganache.functional.penalties import path_length_penalty, path_lengths
from ganache.networks import Style
from ganache.networks.dcgan import Dcgan
from ganache.networks.r3block import Resample
from ganache.networks.style import OVERVIEW, StyleLayer, ToImage
from ganache.networks.style_critic import Activated, CriticBlock, MinibatchDeviation
from ganache.networks.style_layers import Linear
from ganache.training import build
from ganache.types import ImageShape
from playground_client import BRIEF
from weights import count
from weights import perturb as perturb_in_place

Network = TypeVar("Network", bound=nn.Module)

SMALL = Style(z_dim=5, w_dim=6, width=3, max_width=8)
SHAPE = (3, 24, 32)  # its maps are 24x32, 12x16, 6x8 and 3x4
FIR = torch.tensor([1.0, 3.0, 3.0, 1.0]).double() / 8


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


# ---- the second computation: per image, with the weights that the paper modulates ------------------------------------


def modulated(weight: Tensor, style: Tensor, demodulate: bool = True) -> Tensor:
    """Return w'' [O, C, k, k] of equations 1 and 3 of Karras et al. 2020 for one style [C]."""
    scaled = style[None, :, None, None] * weight
    return scaled / (scaled.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt() if demodulate else scaled


def filtered(x: Tensor, gain: float = 1.0) -> Tensor:
    """Return x [1, C, h, w], unpadded, filtered by [1, 3, 3, 1] / 8 along each side."""
    kernel = (gain * FIR.outer(FIR)).expand(x.shape[1], 1, 4, 4)
    return F.conv2d(x, kernel, groups=x.shape[1])


def activated(x: Tensor, bias: Tensor) -> Tensor:
    x = x + bias[:, None, None]
    return math.sqrt(2) * torch.where(x > 0, x, 0.2 * x)


def affine(layer: Linear, w: Tensor) -> Tensor:
    """Return the output for w [F] of a layer whose learning rate is equalised."""
    return layer.weight @ w / math.sqrt(len(w)) + layer.bias


def style_layer(layer: StyleLayer, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
    outputs = []
    for image, each in zip(x, w, strict=True):
        weight = modulated(layer.convolution.weight, affine(layer.affine, each))
        if layer.up:  # a transposed convolution, then the filter of StyleGAN2's `upsample_conv_2d`
            h = F.conv_transpose2d(image[None], weight.transpose(0, 1), stride=2)
            h = filtered(F.pad(h, (1, 1, 1, 1)), gain=4.0)
        else:
            h = F.conv2d(image[None], weight, padding=1)
        outputs.append(activated(h + layer.strength * noise, layer.bias))
    return torch.cat(outputs)


def halved(layer: Activated, x: Tensor) -> Tensor:
    """Return what StyleGAN2's `conv_downsample_2d` computes: the filter, then a convolution of stride 2."""
    weight = layer.convolution.weight
    h = F.conv2d(filtered(F.pad(x, (2, 2, 2, 2))), weight / math.sqrt(weight[0].numel()), stride=2)
    return activated(h, layer.bias)


def randomised(network: nn.Module) -> nn.Module:
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return network.double()


def perturb(network: Network) -> Network:
    """Return the network with other weights than the initial ones."""
    perturb_in_place(network)
    return network


def assert_same(actual: Tensor, expected: Tensor, inputs: list[Tensor]) -> None:
    """Compare two outputs, and the gradients of a random function of them."""
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-9)
    direction = torch.randn_like(expected)
    gradients = [
        torch.autograd.grad((each * direction).sum(), inputs, retain_graph=True) for each in (actual, expected)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("up", [False, True])
def test_style_layer(up: bool) -> None:
    layer = randomised(StyleLayer(SMALL, 4, (7, 12, 16) if up else (7, 6, 8), up=up)).eval()
    x = torch.randn(3, 4, 6, 8).double().requires_grad_()
    w = torch.randn(3, 6).double().requires_grad_()
    inputs = [x, w, *layer.parameters()]
    assert_same(layer(x, w), style_layer(layer, x, w, layer.fixed_noise), inputs)


def test_demodulation_normalises_the_output_of_a_white_input() -> None:
    layer = StyleLayer(SMALL, 64, (32, 16, 16), up=False)
    w = 5 * torch.randn(8, 6)
    h = layer(torch.randn(8, 64, 16, 16), w)
    before = torch.where(h > 0, h, 5 * h) / math.sqrt(2)  # without the activation
    assert float(before[..., 1:-1, 1:-1].std()) == pytest.approx(1, abs=0.03)


def test_doubling_has_the_gain_of_the_filter() -> None:
    """A constant image stays constant: the filter of the doubling sums to 4, one for each pixel that it makes."""
    layer = StyleLayer(SMALL, 1, (1, 16, 16), up=True)
    nn.init.zeros_(layer.convolution.weight)
    with torch.no_grad():
        layer.convolution.weight[0, 0, 1, 1] = 1.0
    h = layer(torch.ones(1, 1, 8, 8), torch.zeros(1, 6))
    torch.testing.assert_close(h[..., 1:-1, 1:-1], torch.full((1, 1, 14, 14), math.sqrt(2)), rtol=1e-5, atol=1e-5)


def test_to_image() -> None:
    layer = randomised(ToImage(6, 4, 3))
    x, w = torch.randn(2, 4, 5, 5).double().requires_grad_(), torch.randn(2, 6).double().requires_grad_()
    expected = torch.cat([
        F.conv2d(image[None], modulated(layer.convolution.weight, affine(layer.affine, each) / 2, demodulate=False))
        + layer.convolution.bias[:, None, None]
        for image, each in zip(x, w, strict=True)
    ])  # fmt: skip
    assert_same(layer(x, w), expected, [x, w, *layer.parameters()])


def test_critic_block() -> None:
    block = randomised(CriticBlock(4, 6))
    x = torch.randn(2, 4, 12, 16).double().requires_grad_()
    same = activated(F.conv2d(x, block.same.convolution.weight / 6, padding=1), block.same.bias)  # sqrt(4 * 9) = 6
    shortcut = F.conv2d(filtered(F.pad(x, (1, 1, 1, 1)))[..., ::2, ::2], block.shortcut.weight / 2)
    expected = (halved(block.halve, same) + shortcut) / math.sqrt(2)
    assert_same(block(x), expected, [x, *block.parameters()])


@pytest.mark.parametrize(("batch", "size"), [(8, 4), (6, 3), (4, 4), (2, 2), (7, 1), (1, 1)])
def test_minibatch_deviation(batch: int, size: int) -> None:
    """The groups are spread over the batch: image i is in group i mod (batch / size)."""
    x = torch.randn(batch, 5, 2, 3).double()
    expected = torch.zeros(batch, 1, 2, 3).double()
    for group in range(batch // size):
        rows = list(range(group, batch, batch // size))
        expected[rows] = (x[rows].var(dim=0, correction=0) + 1e-8).sqrt().mean()
    torch.testing.assert_close(MinibatchDeviation()(x), torch.cat([x, expected], dim=1))


def test_mapping() -> None:
    """Normalised latents, two layers with a hundredth of the learning rate, and the running mean of w in training."""
    G = SMALL.generator(SHAPE)
    z = torch.randn(4, 5)
    expected = z / (z.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
    for layer in G.mapping_network:
        before = expected @ (layer.weight / 100).T / math.sqrt(expected.shape[1])
        expected = math.sqrt(2) * torch.where(before > 0, before, 0.2 * before)
        assert float(layer.weight.std()) == pytest.approx(100, rel=0.3)
    torch.testing.assert_close(G.eval().mapping(z), expected)
    assert not G.mean_w.any()
    G.train().mapping(z)
    torch.testing.assert_close(G.mean_w, 0.002 * expected.mean(dim=0))


# ---- the whole networks ----------------------------------------------------------------------------------------------


def test_counts_at_64_pixels() -> None:
    """About a million weights each with the defaults."""
    with torch.device("meta"):
        G, D = Style().generator((3, 64, 64)), Style().critic((3, 64, 64))
    widths = [128, 128, 128, 64, 32]
    affine = 129
    generator = 2 * affine * 128 + 128 * 16  # mapping, constant
    generator += affine * 128 + 9 * 128 * 128 + 128 + 1 + affine * 128 + 128 * 3 + 3
    for a, b in pairwise(widths):
        generator += affine * a + 9 * a * b + b + 1 + affine * b + 9 * b * b + b + 1 + affine * b + b * 3 + 3
    assert count(G) == generator
    critic = 3 * 32 + 32 + 9 * 129 * 128 + 128 + (128 * 16 + 1) * 128 + 129
    for b, a in pairwise(widths):
        critic += 9 * a * a + a + 9 * a * b + b + a * b
    assert count(D) == critic
    assert 1.0e6 < generator < 1.3e6
    assert 1.0e6 < critic < 1.3e6


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 64, 64), (4, 48, 64), (2, 128, 128), (3, 256, 256)])
def test_shapes(shape: ImageShape) -> None:
    G, D = SMALL.generator(shape), SMALL.critic(shape)
    w = G.mapping(torch.randn(2, 5))
    x = G.synthesis(w)
    assert x.shape == (2, *shape)
    assert D(x).shape == (2,)
    levels = round(math.log2(min(shape[1:]) / 4)) + 1 if min(shape[1:]) != 48 else 5
    assert G.style_layers == 2 * levels
    torch.testing.assert_close(G.eval().synthesis(w), G.synthesis(w[:, None].expand(-1, G.style_layers, -1)))


def test_each_layer_reads_its_own_w() -> None:
    """Another w from layer k on changes the image, and less of it the later it begins."""
    G = perturb(SMALL.generator(SHAPE)).eval()
    w = G.mapping(torch.randn(2, 5))[:, None].expand(-1, G.style_layers, -1)
    x, moved = G.synthesis(w), []
    for layer in range(G.style_layers):
        changed = w.clone()
        changed[:, layer] = w[:, layer].flip(0)
        moved.append(float((G.synthesis(changed) - x).abs().mean()))
    assert all(moved)


def test_noise_is_random_in_training_fixed_otherwise_and_can_be_chosen() -> None:
    G = SMALL.generator(SHAPE)
    for layer in G.layers:
        nn.init.ones_(layer.strength)
    w = torch.randn(2, 6)
    assert not torch.equal(G.synthesis(w), G.synthesis(w))
    G.eval()
    torch.testing.assert_close(G.synthesis(w), G.synthesis(w), rtol=0, atol=0)
    for mode, is_same in (("random", False), ("none", True), ("fixed", True)):
        for layer in G.layers:
            layer.noise_mode = mode
        assert torch.equal(G.synthesis(w), G.synthesis(w)) == is_same
    assert not any("noise" in name for name in Style(noise=False).generator(SHAPE).state_dict())


def test_mixing() -> None:
    """With probability 1, each image takes the w of its neighbour from some layer on, and its own before."""
    G = Style(z_dim=5, w_dim=6, width=3, max_width=8, mixing=1.0).generator(SHAPE)
    w = torch.randn(50, 6)
    mixed, firsts = G.mixed(w), set()
    for row in range(50):
        is_own = (mixed[row] == w[row]).all(dim=1)
        first = int(is_own.sum())
        firsts.add(first)
        assert is_own[:first].all()
        assert (mixed[row, first:] == w[row - 1]).all()
    assert firsts == set(range(1, G.style_layers))
    G.mixing = 0.0
    assert torch.equal(G.mixed(w), w[:, None].expand(-1, G.style_layers, -1))


@pytest.mark.parametrize("network", ["generator", "critic"])
def test_second_derivatives(network: str) -> None:
    """R1 and the path length penalty differentiate gradients: compare with finite differences."""
    if network == "critic":
        D = perturb(SMALL.critic((1, 8, 8)).double())
        x = torch.randn(2, 1, 8, 8).double().requires_grad_()
        assert torch.autograd.gradgradcheck(D, x, atol=1e-4)
    else:
        G = perturb(SMALL.generator((1, 8, 8)).double().eval())
        w = torch.randn(2, 6).double().requires_grad_()
        assert torch.autograd.gradgradcheck(G.synthesis, w, atol=1e-4)


def test_one_forward_pass_of_two_batches_equals_two() -> None:
    D = perturb(SMALL.critic(SHAPE).double())
    real, fake = torch.randn(2, 8, *SHAPE).double()
    torch.testing.assert_close(D.both(real, fake), (D(real), D(fake)))


# ---- path lengths ----------------------------------------------------------------------------------------------------


class Scaled(nn.Module):
    """x = a w, summed over the layers of w: the Jacobian is known."""

    style_layers = 3

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.mean_path_length = nn.Parameter(torch.tensor(5.0)), torch.tensor(4.0)

    def mapping(self, z: Tensor) -> Tensor:
        return z * 1.0 + 0 * self.scale

    def synthesis(self, w: Tensor) -> Tensor:
        return self.scale * w.sum(dim=1).reshape(-1, 1, 8, 8)


def test_path_lengths_of_a_linear_generator() -> None:
    """|J' y| of J = 5 I is 5 |y|, whose mean square is 25 for y ~ N(0, I / pixels), in each layer."""
    G = Scaled()
    lengths = path_lengths(G, torch.randn(2000, 64))  # type: ignore[arg-type]
    assert float(lengths.square().mean()) == pytest.approx(25, rel=0.02)
    penalty = path_length_penalty(G, torch.randn(4000, 64))  # type: ignore[arg-type]
    assert float(G.mean_path_length) == pytest.approx(4.01, abs=0.001)  # a hundredth of the way to 5
    mean, variance = 5 * (1 - 1 / 256), 25 / 128  # of 5 |y| with 64 numbers
    assert float(penalty) == pytest.approx((mean - 4.01) ** 2 + variance, rel=0.05)


def test_path_length_has_a_gradient_in_all_weights_that_make_the_image() -> None:
    G = perturb(SMALL.generator(SHAPE))
    path_length_penalty(G, torch.randn(4, 5)).backward()
    # A bias of the last colours moves no path.
    without = [name for name, weight in G.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert all("colours" in name and "convolution.bias" in name for name in without)
    assert G.mean_path_length > 0


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"mixing": 1.5}, "style was given mixing 1.5: use a probability from 0 to 1."),
        ({"convolution_rate": 0.0}, "style was given convolution_rate 0.0: use a number above 0."),
        (
            {"strided_critic": 0},
            "style was given strided_critic 0, which must be 1 or more: use a larger strided_critic.",
        ),
        ({"w_dim": 0}, "style was given w_dim 0, which must be 1 or more: use a larger w_dim."),
    ],
)
def test_errors_are_one_sentence(settings: dict[str, float], sentence: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        Style(**settings)  # type: ignore[arg-type]
    assert str(refusal.value) == sentence


def test_a_class_changes_w_as_much_as_the_noise() -> None:
    """At first, too: a one-hot category among 64 normal numbers would be lost."""
    config = replace(recipe("style-small"), data=DataConfig("faces", "16", classes=4))
    config = replace(config, network=replace(config.network, z_dim=64, w_dim=32, width=4, max_width=8))
    resolved = build.resolve(config)
    G = build.state(resolved, (3, 16, 16)).generator
    same, other = (resolved.prior.sample(200, category=torch.full((200,), k)) for k in (0, 1))
    other[:, :60] = same[:, :60]
    of_class = (G.mapping(same) - G.mapping(other)).square().mean()
    of_noise = (G.mapping(same) - G.mapping(same.roll(1, 0))).square().mean()
    assert 0.4 < of_class / of_noise < 2.5


def test_a_saved_generator_knows_where_its_category_is(tmp_path: Path) -> None:
    words = ["train", "digits", "--recipe", "style-small", "--size", "16", "--data.classes", "10", "--data.count", "60"]
    words += ["--network.z-dim", "16", "--network.w-dim", "5", *BRIEF, "--out", str(tmp_path / "run")]
    main(words)
    generator, config, _ = load_generator(find_checkpoint(tmp_path / "run", "last"))
    assert generator.category == slice(6, 16)
    z = prior(config).sample(2, category=torch.tensor([3, 3]))
    z[1, :6] = z[0, :6]
    z[1, 6:] = z[0, 6:].roll(1)
    assert (generator.mapping(z)[0] - generator.mapping(z)[1]).square().mean() > 0.1


@pytest.mark.parametrize("changed", [{"convolution_rate": 3.0}, {"tanh": True}])
def test_settings_of_the_recipe_style_small(changed: dict[str, float]) -> None:
    """The rate changes no image at first, as demodulation cancels it; tanh is applied to a fifth."""
    made = []
    for settings in (SMALL, replace(SMALL, **changed)):  # type: ignore[arg-type]
        torch.manual_seed(2)
        made.append(settings.generator(SHAPE).eval()(torch.ones(2, 5)))
    usual, other = made
    torch.testing.assert_close(other, (0.2 * usual).tanh() if "tanh" in changed else usual, rtol=1e-4, atol=1e-5)


# ---- the strided critic ----------------------------------------------------------------------------------------------


def test_a_strided_critic_is_that_of_dcgan() -> None:
    torch.manual_seed(1)
    ours = replace(SMALL, strided_critic=16).critic(SHAPE)
    torch.manual_seed(1)
    theirs = Dcgan(width=16, critic_overview=OVERVIEW).critic(SHAPE)
    x = torch.rand(4, *SHAPE) * 2 - 1
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=0)


def test_no_gradients_are_penalised_per_image_of_a_strided_critic() -> None:
    config = recipe("style-small", data="faces")
    config = replace(config, penalty=replace(config.penalty, r1=1.0))
    with pytest.raises(ConfigError) as refusal:
        refuse_contradictions(config)
    assert str(refusal.value).endswith("other images of its batch: add --network.strided-critic None.")
    refuse_contradictions(replace(config, network=replace(config.network, strided_critic=None)))


def test_transposed_resampling_in_bfloat16_is_as_exact_as_its_input() -> None:
    x = torch.randn(4, 16, 8, 8)
    exact = Resample(up=True)(x)
    with torch.autocast("cpu", torch.bfloat16):
        rough = Resample(up=True)(x.bfloat16())
    assert rough.dtype is torch.bfloat16
    torch.testing.assert_close(rough.float(), Resample(up=True)(x.bfloat16().float()), rtol=2**-8, atol=0)
    torch.testing.assert_close(rough.float(), exact, rtol=0, atol=0.05)
