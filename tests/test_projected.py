"""Critics of pretrained features beside the critic: their terms and gradients, and what a checkpoint holds of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from ganache.config.config import from_dict, recipe
from ganache.errors import ConfigError
from ganache.methods import Lsgan
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
    method = Projected(Lsgan(), weight=0.5, share=0.75)
    leaf = x.clone().requires_grad_()
    terms = method.g_terms(PrecomputedGenerator(leaf), D, x, x)
    (found,) = torch.autograd.grad(terms["fake"] + terms["projected_fake"], leaf)
    own, other = gradient_at(x, D), gradient_at(x[:6], D.projected)
    expected = own / own.norm()
    expected[:6] += 0.5 * other / other.norm()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_the_critics_minimise_the_terms_of_the_method() -> None:
    D, real, fake = critic(), images(), images().flip(0) / 2
    assert D.projected is not None
    G = PrecomputedGenerator(fake)
    found = Projected(Lsgan()).d_terms(G, D, real, fake)
    expected = Lsgan().d_terms(G, D, real, fake)
    expected |= {f"projected_{name}": term for name, term in Lsgan().d_terms(G, D.projected, real, fake).items()}
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
    view = CriticView(critic(), ("translation",))
    assert view.projected is not None
    x = images()
    torch.manual_seed(0)
    first = view.projected(x)
    torch.manual_seed(1)
    assert not torch.allclose(first, view.projected(x))


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
