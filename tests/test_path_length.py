"""The perceptual distance, and path lengths of generators whose path length is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganache.core.images import as_x
from ganache.data import load
from ganache.errors import ConfigError
from ganache.evaluation.features.distance import PerceptualDistance
from ganache.evaluation.features.perceptual import PerceptualFeatures
from ganache.evaluation.measure import evaluate
from ganache.evaluation.path_length import path_length_scores, path_steps, trimmed
from ganache.functional.latents import from_seeds
from ganache.networks import Style
from ganache.types import Generator, Prior


def squared(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().flatten(1).sum(dim=1)


class Linear(Generator):
    """x = scale z, as one row of pixels for each number."""

    def __init__(self, z_dim: int, scale: float = 0.1) -> None:
        super().__init__()
        self.z_dim, self.image_shape = z_dim, (1, 8, z_dim)
        self.scale = nn.Parameter(torch.tensor(scale))

    def synthesis(self, w: Tensor) -> Tensor:
        return (self.scale * w)[:, None, None].expand(-1, 1, 8, -1)


def test_a_linear_generator_has_the_length_of_its_paths() -> None:
    """On a line the speed is |b - a|; on an arc it is angle times norm, and the norm changes evenly."""
    for kind in ("uniform", "normal"):
        prior = Prior(10, kind=kind)  # type: ignore[arg-type]
        found = path_steps(Linear(10), prior, squared, 40, seed=3)
        ends = from_seeds(prior, range(3, 83)).double()
        a, b = ends[0::2], ends[1::2]
        by_hand = (b - a).square().sum(dim=1)
        if kind == "normal":
            t = torch.rand(40, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(3))[:, 0]
            norms = a.norm(dim=1), b.norm(dim=1)
            angle = torch.acos((a * b).sum(dim=1) / norms[0] / norms[1])
            by_hand = (angle * torch.lerp(*norms, t)).square() + (norms[1] - norms[0]).square()
        torch.testing.assert_close(found, 8 * 0.1**2 * by_hand, rtol=0.02, atol=0)


def test_a_class_does_not_change_on_a_path_and_codes_do() -> None:
    prior = Prior(6, categories=3, continuous=1)
    ends = from_seeds(prior, range(40)).double()
    only_codes = path_steps(Linear(6), prior, lambda a, b: squared(a[..., 2:], b[..., 2:]), 20, seed=0)
    by_hand = 8 * 0.1**2 * (ends[1::2, 5] - ends[0::2, 5]).square()
    torch.testing.assert_close(only_codes, by_hand, rtol=0.02, atol=1e-5)


@pytest.mark.slow
def test_the_score_is_0_for_one_picture_and_grows_with_the_contrast() -> None:
    prior = Prior(16)
    none, faint, strong = (next(path_length_scores(Linear(16, scale), prior, 100, 0)) for scale in (0.0, 0.02, 0.1))
    assert none.value == 0 < faint.value < strong.value
    assert faint.error < faint.value / 2
    assert "100 arcs from latent to latent, without the 2 shortest and longest" in strong.how


def test_the_shortest_and_longest_steps_are_left_out() -> None:
    steps = torch.arange(200.0).flip(0)
    assert trimmed(steps).tolist() == list(range(197, 1, -1))
    assert trimmed(torch.ones(100)).tolist() == [1] * 100


def test_the_distance_grows_with_noise_and_shift_and_has_a_gradient() -> None:
    x = as_x(load("faces", count=4, size=(32, 32)).images)
    distance = PerceptualDistance(PerceptualFeatures((3, 32, 32)))
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    same, faint, strong, moved = (
        distance(x, other) for other in (x, x + 0.02 * noise, x + 0.2 * noise, x.roll(4, dims=3))
    )
    assert same.tolist() == [0] * 4
    assert (faint > 0).all()
    assert (strong > 3 * faint).all()
    assert (moved > faint).all()
    flat = torch.zeros(1, 3, 32, 32, requires_grad=True)
    (slope,) = torch.autograd.grad(distance(flat, x[:1]).sum(), flat)
    assert slope.isfinite().all()
    assert slope.norm() > 0
    assert math.isclose(float(distance(x[:1], x[1:2])), float(distance(x[1:2], x[:1])), rel_tol=1e-5)


def test_evaluate_has_the_path_length_if_it_is_asked_for() -> None:
    data = load("faces", count=200, size=(8, 8), channels=1, held_out=0.0)
    assert data.image_shape == (1, 8, 8)
    found = evaluate(Linear(8), Prior(8), data, n=100, features="pixels", path_length=100)
    assert found["ppl"].value > 0
    assert np.isfinite(found["ppl"].error)
    assert "ppl " in found.describe()
    with pytest.raises(ConfigError, match="path_length is 5: use 0, or at least 100"):
        evaluate(Linear(8), Prior(8), data, n=100, features="pixels", path_length=5)
    toy = load("ring8", count=300)

    class Plane(Linear):
        def synthesis(self, w: Tensor) -> Tensor:
            return w * self.scale

    plane = Plane(2)
    plane.image_shape = (2,)
    with pytest.raises(ConfigError, match="this generator makes points: leave out --path-length"):
        evaluate(plane, Prior(2), toy, n=100, path_length=100)


class Styled(Linear):
    """x = scale w with w = z^2."""

    style_layers = 1

    def mapping(self, z: Tensor) -> Tensor:
        return z.square()


def test_in_w_a_path_is_the_line_between_two_w() -> None:
    found = path_steps(Styled(10), Prior(10), squared, 40, seed=3, in_w=True)
    ends = from_seeds(Prior(10), range(3, 83)).double().square()
    torch.testing.assert_close(found, 8 * 0.1**2 * (ends[1::2] - ends[0::2]).square().sum(dim=1), rtol=0.02, atol=0)


@pytest.mark.slow
def test_a_style_based_generator_has_both_lengths() -> None:
    torch.manual_seed(0)
    G = Style(z_dim=5, w_dim=4, width=4, max_width=8).generator((3, 16, 16)).eval()
    assert [score.name for score in path_length_scores(G, Prior(5), 100, 0)] == ["ppl", "ppl_w"]
