"""Theorems about latent arithmetic."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from ganache.functional import latents
from ganache.types import Prior

ARTICLE = [-1.08031934, -0.69714143, -0.39691713, -0.12927146, 0.12927146, 0.39691713, 0.69714143, 1.08031934]
"""The values in the anime article's images 18 to 22."""

seeds = st.integers(0, 2**40)
shares = st.floats(0, 1)
few = settings(max_examples=40, deadline=None)


def pair(seed: int, d: int = 7, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    a, b = torch.randn(2, 1, d, dtype=dtype, generator=torch.Generator().manual_seed(seed))
    return a, b


@few
@given(seeds, shares)
def test_slerp_keeps_the_norm_between_equal_norms_and_stays_in_the_plane(seed: int, t: float) -> None:
    a, b = pair(seed)
    b = b * (a.norm() / b.norm())
    point = latents.slerp(a, b, t)
    assert point.norm().item() == pytest.approx(a.norm().item(), rel=1e-9)
    assert torch.linalg.matrix_rank(torch.cat([a, b, point]), tol=1e-8) <= 2
    whole = math.acos(max(-1, min(1, float((a * b).sum() / a.norm() / b.norm()))))
    part = math.acos(max(-1, min(1, float((a * point).sum() / a.norm() / point.norm()))))
    assert part == pytest.approx(t * whole, abs=1e-6)


@few
@given(seeds, shares)
def test_slerp_differs_from_lerp_by_the_square_of_the_angle(seed: int, t: float) -> None:
    a, b = pair(seed)
    gaps = [(latents.slerp(a, a + e * b, t) - latents.lerp(a, a + e * b, t)).norm() for e in (1e-2, 1e-3)]
    assert gaps[0] < 1e-2 * b.norm()
    assert gaps[1] <= gaps[0] / 50 + 1e-12


@few
@given(seeds)
def test_interpolation_starts_at_a_and_ends_at_b(seed: int) -> None:
    for dtype in (torch.float32, torch.float64):
        a, b = pair(seed, dtype=dtype)
        assert torch.equal(latents.lerp(a, b, 0), a)
        assert torch.equal(latents.lerp(a, b, 1), b)
        torch.testing.assert_close(latents.slerp(a, b, 0), a)
        torch.testing.assert_close(latents.slerp(a, b, 1), b)
        assert latents.slerp(a, b, 0.3).dtype is dtype


def test_slerp_is_lerp_where_the_rotation_is_undefined() -> None:
    a, zero = torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2)
    for b in (a, 2 * a, -a, zero):
        torch.testing.assert_close(latents.slerp(a, b, 0.25), latents.lerp(a, b, 0.25))
        torch.testing.assert_close(latents.slerp(b, a, 0.25), latents.lerp(b, a, 0.25))


def test_quantiles_are_the_articles_values() -> None:
    assert latents.quantiles(8) == pytest.approx(ARTICLE, abs=1e-8)
    assert latents.quantiles(5, 0.1, 0.9) == pytest.approx(norm.ppf([0.1, 0.3, 0.5, 0.7, 0.9]), abs=1e-14)


@few
@given(seeds, st.floats(-2, 2))
def test_truncation(seed: int, mean: float) -> None:
    z, _ = pair(seed)
    assert torch.equal(latents.truncate(z, 1.0, mean), z)
    assert torch.equal(latents.truncate(z, 0.0, mean), torch.full_like(z, mean))
    torch.testing.assert_close(latents.truncate(z, 0.3, mean) - mean, 0.3 * (z - mean))


@few
@given(seeds)
def test_arithmetic_identities(seed: int) -> None:
    a, b = pair(seed)
    assert torch.equal(latents.add(a, b), latents.add(b, a))
    assert torch.equal(latents.product(a, b), latents.product(b, a))
    assert torch.equal(latents.abs_difference(a, b), latents.abs_difference(b, a))
    assert (latents.abs_difference(a, b) >= 0).all()
    torch.testing.assert_close(latents.analogy(a, b, b), a)


@few
@given(seeds, st.integers(0, 6), st.lists(st.floats(-3, 3), min_size=1, max_size=5))
def test_traverse_changes_exactly_one_coordinate(seed: int, dimension: int, values: list[float]) -> None:
    z = torch.cat(pair(seed))
    before = z.clone()
    moved = latents.traverse(z, dimension, values).reshape(2, len(values), 7)
    assert torch.equal(z, before)
    others = [each for each in range(7) if each != dimension]
    assert torch.equal(moved[..., others], z[:, None, others].expand(2, len(values), 6))
    assert moved[..., dimension].tolist() == [values, values]


def test_the_error_of_the_average_falls_as_one_over_root_n() -> None:
    prior = Prior(400, mean=0.7, std=0.5)
    for n in (10, 90, 810):
        mean = latents.average(latents.from_seeds(prior, range(n)))
        error = (mean - 0.7).square().mean().sqrt().item()
        assert error * math.sqrt(n) == pytest.approx(0.5, rel=0.15)  # 400 dimensions: sigma is 3.5 %


def test_jitter_adds_uniform_noise_that_depends_on_the_seed() -> None:
    z = torch.full((1, 500), 2.0)
    near = latents.jitter(z, range(8), 0.25)
    assert near.shape == (8, 500)
    assert (near - z).abs().max() <= 0.25
    assert (near - z).std().item() == pytest.approx(0.5 / math.sqrt(12), rel=0.05)
    assert torch.equal(latents.jitter(z, [3], 0.25)[0], near[3])
    assert torch.equal(latents.jitter(z, range(2), 0.0), z.expand(2, -1))


def test_a_path_passes_through_its_points_and_a_loop_closes() -> None:
    points = torch.randn(3, 5, generator=torch.Generator().manual_seed(0))
    for blend in (latents.lerp, latents.slerp):
        line = latents.path(points, 4, blend)
        assert line.shape == (9, 5)
        torch.testing.assert_close(line[::4], points)
        ring = latents.path(points, 4, blend, loop=True)
        assert ring.shape == (12, 5)
        torch.testing.assert_close(ring[:8], line[:8])
        torch.testing.assert_close(ring[9], blend(points[2:], points[:1], 0.25)[0])
    straight = latents.path(points, 4, latents.lerp)
    torch.testing.assert_close(straight[1:5] - straight[:4], (points[1:2] - points[:1]).expand(4, -1) / 4)


def test_codes_and_categories_stay_valid() -> None:
    prior = Prior(9, categories=3, continuous=2)
    z = latents.from_seeds(prior, range(6))
    mixed = latents.on_noise(prior, latents.add, z[:3], z[3:])
    assert torch.equal(mixed[:, :4], z[:3, :4] + z[3:, :4])
    assert torch.equal(mixed[:, 4:], z[:3, 4:])
    mean = latents.on_noise(prior, latents.average, z)
    assert torch.equal(mean[0, 4:], z[0, 4:])
    assigned = latents.with_category(prior, z, (2, 0))
    assert assigned[:, 4:7].argmax(dim=1).tolist() == [2, 0] * 3
    others = [0, 1, 2, 3, 7, 8]
    assert torch.equal(assigned[:, others], z[:, others])
    line = latents.path(assigned[:2], 10, latents.blend_latents(prior, latents.slerp))
    assert line[:, 4:7].sum(dim=1).eq(1).all()
    assert line[:, 4:7].argmax(dim=1).tolist() == [2] * 5 + [0] * 6
    torch.testing.assert_close(line[5, 7:], (assigned[0, 7:] + assigned[1, 7:]) / 2)


def test_principal_components_are_orthonormal_and_ordered_by_variance() -> None:
    torch.manual_seed(0)
    basis = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64))[0]
    x = torch.randn(4000, 6, dtype=torch.float64) * torch.tensor([5.0, 3, 1, 0.5, 0.1, 0.1]) @ basis + 7
    mean, directions = latents.principal_components(x, 2)
    torch.testing.assert_close(mean, x.mean(dim=0, keepdim=True))
    torch.testing.assert_close(directions @ directions.T, torch.eye(2, dtype=torch.float64))
    assert (directions * basis[:2]).sum(dim=1).abs().min() > 0.99
    assert (directions.gather(1, directions.abs().argmax(dim=1, keepdim=True)) > 0).all()


@pytest.mark.parametrize(("n", "d"), [(5, 40), (40, 5)])
def test_principal_components_equal_the_singular_vectors(n: int, d: int) -> None:
    x = torch.randn(n, d, dtype=torch.float64, generator=torch.Generator().manual_seed(n))
    _, directions = latents.principal_components(x, 3)
    _, _, expected = torch.linalg.svd(x - x.mean(dim=0), full_matrices=False)
    torch.testing.assert_close((directions @ expected[:3].T).abs(), torch.eye(3, dtype=torch.float64))
    _, constant = latents.principal_components(x[:1].expand(n, d), 2)  # no variance at all
    torch.testing.assert_close(constant @ constant.T, torch.eye(2, dtype=torch.float64))
