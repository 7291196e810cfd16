"""Sliced Wasserstein distances, against closed forms, and monotone in blur and noise."""

from __future__ import annotations

import pytest
import torch

from ganache.evaluation.metrics.sliced_wasserstein import (
    laplacian_pyramid,
    patch_distance,
    random_patches,
    sliced_distance,
    sliced_wasserstein,
)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_distance_of_a_shift() -> None:
    """A shift by v moves the projection on a line by v . line; in the plane, the mean of |v . line| is |v| 2 / pi."""
    a = noise(500, 2)
    shifted = a + torch.tensor([3.0, 4.0])
    assert sliced_wasserstein(a, shifted, directions=20_000) == pytest.approx(5 * 2 / torch.pi, rel=0.01)
    assert sliced_wasserstein(a, a) == 0


def test_the_distance_of_two_gaussians() -> None:
    """W1 between N(0, 1) and N(0, 4) is E|2x - x| = sqrt(2 / pi) on every line."""
    a, b = noise(50_000, 2), 2 * noise(50_000, 2, seed=1)
    assert sliced_wasserstein(a, b, directions=64) == pytest.approx((2 / torch.pi) ** 0.5, rel=0.02)


def test_the_levels_of_a_pyramid_add_up_to_the_image() -> None:
    x = noise(3, 2, 40, 24)
    fine, coarse = laplacian_pyramid(x, levels=2, min_side=7)
    grown = torch.nn.functional.interpolate(coarse, size=(40, 24), mode="bilinear", align_corners=False)
    torch.testing.assert_close(fine + grown, x)
    levels = laplacian_pyramid(noise(1, 1, 64, 64), 3, 7)
    assert [tuple(level.shape[2:]) for level in levels] == [(64, 64), (32, 32), (16, 16)]
    assert len(laplacian_pyramid(noise(1, 1, 8, 8), 3, 7)) == 1


def test_patches_are_parts_of_their_images() -> None:
    x = torch.arange(2 * 1 * 9 * 9.0).reshape(2, 1, 9, 9)
    patches = random_patches(x, size=3, count=5)
    assert patches.shape == (10, 9)
    for patch in patches:
        corner = int(patch[0])
        expected = [corner + 9 * row + column for row in range(3) for column in range(3)]
        assert patch.tolist() == expected


def test_the_distance_increases_with_blur_and_noise() -> None:
    grid = torch.linspace(-3, 3, 32)
    waves = torch.stack(
        [torch.sin((1 + k / 9) * grid)[None] * torch.cos(grid * (2 - k / 40))[:, None] for k in range(64)]
    )
    x = waves[:, None].repeat(1, 3, 1, 1)
    by_noise = [sliced_distance(x, x + s * noise(*x.shape)) for s in (0.0, 0.05, 0.1, 0.2, 0.4)]
    by_shade = [patch_distance(x, x * s) for s in (1.0, 0.9, 0.8, 0.6, 0.3)]
    for scores in (by_noise, by_shade):
        assert scores == sorted(scores)
        assert scores[0] == pytest.approx(0, abs=1e-4)
        assert scores[1] > 1
