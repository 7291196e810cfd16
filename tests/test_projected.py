"""Critics of pretrained features beside the critic: their terms and gradients, and what a checkpoint holds of them."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from ganache.config.config import from_dict, recipe
from ganache.errors import ConfigError
from ganache.methods import Lsgan
from ganache.methods.penalised import Penalised
from ganache.methods.projected import Projected
from ganache.networks import Dcgan
from ganache.networks.efficientnet import load_network
from ganache.networks.projected import SCALES, ProjectedCritic
from ganache.training import build
from ganache.training.critic_view import CriticView
from ganache.types import Critic, PrecomputedGenerator

SHAPE = (3, 32, 32)


@cache
def critic() -> Critic:
    """Both critics, without the statistics of batches that make a score depend on the others of its batch."""
    torch.manual_seed(0)
    D = Dcgan(width=4, critic_norm="none").critic(SHAPE)
    D.projected = ProjectedCritic(SHAPE)
    D.windows = ProjectedCritic(SHAPE, D.projected.network)
    return D.eval().requires_grad_(False)


def images(count: int = 8) -> Tensor:
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(0)) * 2 - 1


def gradient_at(x: Tensor, D: Critic) -> Tensor:
    """Return the gradient of the generator's loss against D at its images."""
    x = x.clone().requires_grad_()
    terms = Lsgan().g_terms(PrecomputedGenerator(x), D, x, x)
    return torch.autograd.grad(terms["fake"], x)[0]


def test_each_critic_pulls_at_the_images_with_its_own_length() -> None:
    D, x = critic(), images()
    assert D.projected is not None
    assert D.windows is not None
    method = Projected(Lsgan(), weight=0.5, share=0.75, windows=0.5, window=(0.0, 0.25))
    leaf = x.clone().requires_grad_()
    terms = method.g_terms(PrecomputedGenerator(leaf), D, x, x)
    (found,) = torch.autograd.grad(sum(terms.values()), leaf)
    own, other = gradient_at(x, D), gradient_at(x[:6], D.projected)
    window = gradient_at(x[4:, :, :16, 4:20], D.windows)
    expected = own / own.norm()
    expected[:6] += 0.5 * other / other.norm()
    expected[4:, :, :16, 4:20] += 0.5 * window / window.norm()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_windows_move_from_batch_to_batch_within_the_images() -> None:
    batches = [Projected(Lsgan(), windows=0.5).at(index) for index in range(200)]
    assert [each.window for each in batches[:5]] == [Projected(Lsgan()).at(index).window for index in range(5)]
    x = torch.arange(9 * 8).view(1, 1, 9, 8).expand(4, 1, 9, 8)
    games = [each.games(critic(), x, x, x) for each in batches]
    seen = [next(game for game in of_batch if game.prefix == "windows_").fake for of_batch in games]
    assert {tuple(each.shape) for each in seen} == {(2, 1, 5, 4)}
    corners = {divmod(int(each[0, 0, 0, 0]), 8) for each in seen}
    assert corners == {(row, column) for row in range(5) for column in range(5)}


def test_the_critics_minimise_the_terms_of_the_method() -> None:
    D, real, fake = critic(), images(), images().flip(0) / 2
    assert D.projected is not None
    G = PrecomputedGenerator(fake)
    assert D.windows is not None
    found = Projected(Lsgan(), windows=1.0, window=(1.0, 1.0)).d_terms(G, D, real, fake)
    expected = Lsgan().d_terms(G, D, real, fake)
    corner = PrecomputedGenerator(fake[..., 16:, 16:])
    of_windows = Lsgan().d_terms(corner, D.windows, real[..., 16:, 16:], fake)
    expected |= {f"projected_{name}": term for name, term in Lsgan().d_terms(G, D.projected, real, fake).items()}
    expected |= {f"windows_{name}": term for name, term in of_windows.items()}
    assert found.keys() == expected.keys()
    for name, term in expected.items():
        torch.testing.assert_close(found[name], term)


def test_the_scores_are_those_of_every_critic_in_turn() -> None:
    D = critic().projected
    assert D is not None
    x = images(4)
    scores = D(x)
    assert scores.shape == ((len(SCALES) + 1) * 4,)
    alone = torch.stack([D(each[None]) for each in x], dim=1)  # [K, 4]: the last critic sees the spread of others
    torch.testing.assert_close(scores.view(-1, 4)[:-1], alone[:-1], rtol=1e-4, atol=1e-5)


def test_one_critic_sees_that_all_images_are_alike() -> None:
    D = critic().projected
    assert D is not None
    alike, different = images(1).expand(8, -1, -1, -1), images(8)
    inputs: list[Tensor] = []
    handle = D.overview[0].register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    D(alike), D(different)
    handle.remove()
    spreads = [each.chunk(2, dim=1)[1].square().mean().sqrt() for each in inputs]
    assert spreads[0] < 1e-3 < 0.1 < spreads[1]


def test_they_see_what_the_critic_sees() -> None:
    method, x = Projected(Lsgan(), windows=0.5), images() + 3
    for game in method.games(CriticView(critic(), ("translation",)), x, x, x):
        if game.prefix:
            assert (game.fake == 0).any(), f"{game.prefix}: images are shifted"
            assert (game.real == 0).any(), f"{game.prefix}: real images are shifted"


def gradients_of_a_step(method: Projected) -> dict[str, Tensor]:
    """Return the gradients that a training step finds, of all weights and at the images, and the terms."""
    D = copy.deepcopy(critic()).requires_grad_(True).train()
    view, x, leaf = CriticView(D, ("translation",), sigma=0.1), images(), images().flip(0).requires_grad_()
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16):
        d = method.d_terms(PrecomputedGenerator(leaf.detach()), view, x, x)
    (0.5 * sum(d.values())).backward()
    found = {name: weight.grad for name, weight in D.named_parameters() if weight.grad is not None}
    D.requires_grad_(False)
    with torch.autocast("cpu", torch.bfloat16):
        g = method.g_terms(PrecomputedGenerator(leaf), view, x, x)
    (0.5 * sum(g.values())).backward()
    return {**found, **{f"g {name}": term for name, term in g.items()}, **d, "images": leaf.grad}


def test_critics_at_the_same_time_give_the_same_bits_as_one_after_the_other() -> None:
    method, cores = Projected(Lsgan(), weight=0.5, share=0.75, windows=0.5), torch.get_num_threads()
    torch.set_num_threads(3)  # one for each
    try:
        at_once = gradients_of_a_step(method)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(1)
    one_by_one = gradients_of_a_step(method)
    torch.set_num_threads(cores)
    assert any(name.startswith("windows.overview") for name in at_once)
    assert at_once.keys() == one_by_one.keys()
    for name, gradient in one_by_one.items():
        assert torch.equal(at_once[name], gradient), name


def test_terms_that_were_computed_together_are_not_stepped_on_one_by_one() -> None:
    D, x = copy.deepcopy(critic()).requires_grad_(True), images()
    terms = Projected(Lsgan()).d_terms(PrecomputedGenerator(x), D, x, x)
    with pytest.raises(RuntimeError, match="iter_d_terms"):
        terms["real"].backward()
    method = Penalised(Projected(Lsgan(), windows=0.5), r1=1.0, r2=1.0)
    found = {}
    for name, term in method.iter_d_terms(PrecomputedGenerator(x), D, x, x):
        gradients = torch.autograd.grad(term, list(D.parameters()), allow_unused=True)
        found[name] = sum(float(each.norm()) for each in gradients if each is not None)
    both = ("real", "fake")
    names = [f"{prefix}{name}" for prefix in ("", "windows_", "projected_") for name in both]
    assert [*found] == [*names, "added_r1", "added_r2"]
    assert min(found.values()) > 0


def test_terms_are_also_computed_one_at_a_time() -> None:
    D, x = critic(), images()
    method, G = Projected(Lsgan(), windows=0.5), PrecomputedGenerator(images().flip(0))
    expected = method.d_terms(G, D, x, x)
    found = dict(method.iter_d_terms(G, D, x, x))
    assert found.keys() == expected.keys()
    for name, term in expected.items():
        torch.testing.assert_close(found[name], term)


@pytest.mark.parametrize(("shape", "seen"), [((3, 128, 96), (64, 48)), ((3, 40, 64), (40, 64)), ((1, 8, 8), (8, 8))])
def test_large_images_are_reduced_and_windows_are_enlarged(shape: tuple[int, ...], seen: tuple[int, int]) -> None:
    D, sizes = ProjectedCritic(shape), []
    handle = D.network.stem.register_forward_pre_hook(lambda _, given: sizes.append(tuple(given[0].shape[2:])))
    D(torch.rand(2, *shape)), D(torch.rand(2, *shape)[..., : shape[1] // 2, : shape[2] // 2])
    handle.remove()
    assert sizes == [seen, seen]


def test_pretrained_weights_are_neither_trained_nor_stored() -> None:
    config = from_dict({"projected": {"weight": 1.0}, "network": {"width": 4}}, recipe("faces"))
    state = build.state(build.resolve(replace(config, device="cpu")), SHAPE)
    names = [name for name in state.critic.state_dict() if ".network." in name]
    assert names == []
    assert state.critic.projected is not None
    given = load_network("lite0").stem.get_buffer("weight")
    torch.testing.assert_close(state.critic.projected.network.stem.get_buffer("weight"), given)


@pytest.mark.parametrize("method", ["wgan-gp", "infogan"])
def test_methods_that_need_codes_or_gradients_of_single_images_are_refused(method: str) -> None:
    config = from_dict(
        {"projected": {"weight": 1.0}, "method": {"name": method}, "network": {"critic_norm": "none"}}, recipe("dcgan")
    )
    with pytest.raises(ConfigError, match=r"--projected\.weight 0"):
        build.resolve(config)


def test_points_and_other_numbers_of_channels_are_refused() -> None:
    for shape in ((2,), (2, 64, 64)):
        with pytest.raises(ConfigError, match=r"use --projected\.weight 0"):
            ProjectedCritic(shape)


@pytest.mark.parametrize("shape", [(1, 32, 40), (4, 64, 64), (3, 8, 8), (1, 28, 28)])
def test_images_of_any_size_and_channels_are_seen(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    x = torch.rand(4, *shape, requires_grad=True)
    scores = ProjectedCritic(shape)(x)
    (gradient,) = torch.autograd.grad(scores.sum(), x)
    assert gradient.isfinite().all()
    assert (gradient.flatten(1).norm(dim=1) > 0).all()
