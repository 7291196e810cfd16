"""What the critic's head sees past all norms: means of areas, and their spread in groups of four."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganache.config.config import recipe
from ganache.errors import ConfigError
from ganache.networks import Dcgan
from ganache.networks.overview import STATISTICS_SCALE, UNITS, Overview, thumbnail_statistics


def test_means_of_areas_and_their_spread_within_a_group() -> None:
    x = torch.randn(8, 3, 16, 24, dtype=torch.float64)
    seen = thumbnail_statistics(x, 4)
    means = nn.functional.adaptive_avg_pool2d(x, 4).permute(0, 2, 3, 1).flatten(1)
    torch.testing.assert_close(seen[:, :48], means)
    for picture in range(8):
        group = means[picture % 2 :: 2]  # four of eight
        expected = group.std(dim=0, correction=0)
        torch.testing.assert_close(seen[picture, 48:], expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("batch", [1, 2, 3, 6])
def test_any_batch_is_read(batch: int) -> None:
    x = torch.rand(batch, 1, 8, 8, requires_grad=True)
    overview = Overview(2, (1, 8, 8))
    said = overview(x)
    assert said.shape == (batch, UNITS)
    (gradient,) = torch.autograd.grad(said.sum(), x)
    assert gradient.isfinite().all()  # of a group of one
    equal = torch.ones_like(x, requires_grad=True)
    (gradient,) = torch.autograd.grad(overview(equal).sum(), equal)
    assert gradient.isfinite().all()


def test_what_is_seen_keeps_its_size_through_the_layers_that_read_it() -> None:
    """Whatever a family does to its other weights."""
    torch.manual_seed(0)
    D = Dcgan(width=8, critic_overview=4).critic((3, 16, 16))
    assert isinstance(D.overview, Overview)
    seen = torch.randn(512, 96)
    assert 0.8 < D.overview.read(seen).square().mean() / seen.square().mean() < 1.2


def test_a_critic_with_batch_norm_is_told_how_bright_its_batch_is() -> None:
    """Two batches that differ in brightness alone, which the norm makes nearly the same."""
    x = 0.3 * torch.rand(16, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    differences = []
    for overview in (None, 4):
        torch.manual_seed(0)
        D = Dcgan(width=8, critic_overview=overview).critic((3, 16, 16))
        dark, bright = D.features(x), D.features(x + 0.5)
        differences.append((bright - dark).square().sum(1).mean().item())
    assert differences[1] > differences[0] + 0.9 * 48 * (STATISTICS_SCALE * 0.5) ** 2


def test_a_head_tells_pictures_by_two_places_together() -> None:
    """Left and right equally bright or not: no sum over places knows, and the layers of an overview can be taught."""
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


def test_what_it_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="critic_overview 3: use 1, 2, 4, 8 or None"):
        Dcgan(critic_overview=3)


def test_the_recipe_faces_has_one() -> None:
    network = recipe("faces", data="faces").network
    assert isinstance(network, Dcgan)
    assert network.critic_overview
