"""The overview: thumbnails and their spread in groups of four, which the critic's head sees past all norms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganache.config.config import recipe
from ganache.errors import ConfigError
from ganache.networks import Dcgan
from ganache.networks.overview import STATISTICS_SCALE, UNITS, Overview, thumbnail_statistics


def test_thumbnails_and_their_spread_within_a_group() -> None:
    x = torch.randn(8, 3, 16, 24, dtype=torch.float64)
    statistics = thumbnail_statistics(x, 4)
    means = nn.functional.adaptive_avg_pool2d(x, 4).permute(0, 2, 3, 1).flatten(1)
    torch.testing.assert_close(statistics[:, :48], means)
    for index in range(8):
        group = means[index % 2 :: 2]  # four of eight
        expected = group.std(dim=0, correction=0)
        torch.testing.assert_close(statistics[index, 48:], expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("batch", [1, 2, 3, 6])
def test_any_batch_size_works(batch: int) -> None:
    x = torch.rand(batch, 1, 8, 8, requires_grad=True)
    overview = Overview(2, (1, 8, 8))
    features = overview(x)
    assert features.shape == (batch, UNITS)
    (gradient,) = torch.autograd.grad(features.sum(), x)
    assert gradient.isfinite().all()  # also for a group of one image
    equal = torch.ones_like(x, requires_grad=True)
    (gradient,) = torch.autograd.grad(overview(equal).sum(), equal)
    assert gradient.isfinite().all()


def test_initial_weights_preserve_the_variance() -> None:
    """They are not changed by a family's own initialisation."""
    torch.manual_seed(0)
    D = Dcgan(width=8, critic_overview=4).critic((3, 16, 16))
    assert isinstance(D.overview, Overview)
    statistics = torch.randn(512, 96)
    assert 0.8 < D.overview.read(statistics).square().mean() / statistics.square().mean() < 1.2


def test_a_critic_with_batch_norm_sees_the_brightness_of_its_batch() -> None:
    """Two batches that differ only in brightness, which batch norm nearly removes."""
    x = 0.3 * torch.rand(16, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    differences = []
    for overview in (None, 4):
        torch.manual_seed(0)
        D = Dcgan(width=8, critic_overview=overview).critic((3, 16, 16))
        dark, bright = D.features(x), D.features(x + 0.5)
        differences.append((bright - dark).square().sum(1).mean().item())
    assert differences[1] > differences[0] + 0.9 * 48 * (STATISTICS_SCALE * 0.5) ** 2


def test_two_thumbnail_pixels_can_be_compared() -> None:
    """Whether left and right are equally bright is no linear function of the pixels, but the overview learns it."""
    torch.manual_seed(0)
    signs = torch.randint(0, 2, (256, 2)) * 2.0 - 1
    x = signs[:, None, None].repeat_interleave(8, 3).expand(-1, 1, 8, -1)  # [256, 1, 8, 16]
    same = signs.prod(1)
    overview = Overview(2, (1, 8, 16))
    overview.initialise()
    head = nn.Linear(UNITS, 1)
    optimiser = torch.optim.Adam([*overview.parameters(), *head.parameters()], 1e-4)
    for _ in range(30):
        loss = (head(overview(x)).flatten() - same).square().mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert loss < 0.1


def test_an_unsupported_side_is_refused() -> None:
    with pytest.raises(ConfigError, match="critic_overview 3: use 1, 2, 4, 8 or None"):
        Dcgan(critic_overview=3)


def test_the_recipe_faces_uses_an_overview() -> None:
    network = recipe("faces", data="faces").network
    assert isinstance(network, Dcgan)
    assert network.critic_overview
