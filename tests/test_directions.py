"""Directions as theorems, on linear generators and planted normals, where the answer is known."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganache.functional import directions

few = settings(max_examples=20, deadline=None)
seeds = st.integers(0, 2**40)


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def rotation(seed: int, d: int) -> torch.Tensor:
    return torch.linalg.qr(normal(seed, d, d))[0]


@few
@given(seeds, st.integers(1, 6), st.integers(2, 9))
def test_sefa_is_orthonormal_and_its_first_direction_stretches_most(seed: int, k: int, features: int) -> None:
    weight = normal(seed, features, 6)
    k = min(k, features)
    found, stretches = directions.sefa(weight, k)
    torch.testing.assert_close(found @ found.T, torch.eye(k, dtype=torch.float64))
    torch.testing.assert_close((found @ weight.T).norm(dim=1), stretches)
    assert (stretches.diff() <= 0).all()
    others = directions.unit_rows(normal(seed + 1, 200, 6))
    assert ((others @ weight.T).norm(dim=1) <= stretches[0] + 1e-9).all()


def test_both_find_the_axes_of_a_linear_generator() -> None:
    """x = U diag(s) V' z: the greatest change is along the first row of V', whatever U is."""
    s = torch.tensor([5.0, 3.0, 1.5, 0.5, 0.1]).double()
    u, v = rotation(0, 40)[:, :5], rotation(1, 5)
    weight = u * s @ v.T
    found, stretches = directions.sefa(weight, 5)
    torch.testing.assert_close(stretches, s)
    torch.testing.assert_close((found @ v).abs(), torch.eye(5, dtype=torch.float64))
    z = normal(2, 20_000, 5)
    for n in (20_000, 30):  # more latents than features, and fewer
        some = z[:n] @ torch.linalg.inv(torch.linalg.cholesky(z[:n].T.cov())).T  # white to the bit
        by_effect, shares = directions.pca(some, some @ weight.T + 7, 5)
        torch.testing.assert_close((by_effect @ v).abs(), torch.eye(5, dtype=torch.float64), atol=1e-6, rtol=0)
        torch.testing.assert_close(shares, s.square() / s.square().sum())


def test_pca_is_regressed_back_from_what_is_not_linear() -> None:
    """Only z . a matters, through a bent curve: the first direction is a, however h looks."""
    a = directions.unit_rows(normal(3, 1, 8))
    z = normal(4, 5000, 8)
    t = z @ a.T
    h = torch.cat([t.tanh(), t + t**3, torch.zeros(5000, 2).double()], dim=1)
    found, shares = directions.pca(z, h, 1)
    assert abs(float(found @ a.T)) > 0.99
    assert float(shares) > 0.95


@few
@given(seeds)
def test_the_direction_of_examples_is_the_planted_normal(seed: int) -> None:
    planted = directions.unit_rows(normal(seed, 1, 10))
    z = normal(seed + 1, 4000, 10)
    side = (z @ planted.T).flatten() > 0.3
    found = directions.separating_direction(z[side], z[~side])
    assert float(found @ planted.T) > 0.99, "with its sign"
    assert found.norm().item() == pytest.approx(1)
    torch.testing.assert_close(directions.separating_direction(z[~side], z[side]), -found, atol=1e-3, rtol=0)


def test_few_examples_give_the_difference_of_the_means() -> None:
    having, lacking = normal(0, 3, 50) + 1, normal(1, 2, 50)
    difference = directions.unit_rows((having.mean(dim=0) - lacking.mean(dim=0))[None])
    found = directions.separating_direction(having, lacking, ridge=1e6)
    torch.testing.assert_close(found, difference, atol=1e-4, rtol=0)
    torch.testing.assert_close(
        directions.separating_direction(having[:1], lacking[:1]).abs().sum() > 0, torch.tensor(True)
    )


def test_degenerate_input_gives_numbers() -> None:
    same = torch.ones(4, 3)
    for found in (directions.separating_direction(same, same), directions.pca(same, same, 2)[0]):
        assert torch.isfinite(found).all()
    assert torch.isfinite(directions.sefa(torch.zeros(5, 3), 3)[0]).all()


def test_directions_point_upright() -> None:
    found, _ = directions.sefa(normal(5, 20, 6), 6)
    assert (found.gather(1, found.abs().argmax(dim=1, keepdim=True)) > 0).all()
