"""Inversion: the pictures a generator made come back, and latents stay such as samples have."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganache.core.images import as_x
from ganache.core.rendering import Model, render
from ganache.data import load
from ganache.errors import ConfigError
from ganache.evaluation.features.distance import PerceptualDistance
from ganache.evaluation.features.perceptual import PerceptualFeatures
from ganache.functional.latents import from_seeds
from ganache.lab.experiments import Invert
from ganache.lab.inversion import distance, norm_penalty, psnr
from ganache.lab.show import show
from ganache.networks.dcgan import Dcgan
from ganache.types import Generator, Prior

BRIEF = Invert(starts=3, drawn=64, iterations=150, perceptual=0.0)


@cache
def small() -> Generator:
    """With larger weights than at the start of a training, so that its pictures differ as faces do."""
    torch.manual_seed(0)
    generator = Dcgan(12, width=8).generator((3, 16, 16))
    for layer in generator.modules():
        if isinstance(layer, nn.Linear | nn.ConvTranspose2d):
            nn.init.xavier_normal_(layer.weight, gain=2.5)
    return generator


def test_a_generators_own_pictures_come_back() -> None:
    model = Model(small(), Prior(12))
    pictures = render(model.generator, from_seeds(model.prior, range(1000, 1005)))
    strangers = render(model.generator, from_seeds(model.prior, range(2000, 2005)))
    z = BRIEF.latents(model, pictures)
    again = psnr(pictures, render(model.generator, z))
    assert sum(each > 30 for each in again) >= 4
    assert max(psnr(pictures, strangers)) < 25, "they differ from one another"
    assert model.generator.training, "left in the mode in which it was found"
    assert not any(weight.grad is not None for weight in model.generator.parameters())
    assert torch.equal(z, BRIEF.latents(model, pictures)), "the same again"


def test_category_and_codes_are_found() -> None:
    class Coded(Generator):
        z_dim, image_shape = 8, (1, 8, 8)

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(0.15 * torch.randn(8, 64, generator=torch.Generator().manual_seed(1)))

        def synthesis(self, w: Tensor) -> Tensor:
            return (w @ self.weight).tanh().reshape(-1, 1, 8, 8)

    model = Model(Coded(), Prior(8, kind="uniform", categories=3, continuous=1))
    z = from_seeds(model.prior, range(500, 504))
    pictures = render(model.generator, z)
    found = replace(BRIEF, drawn=200, starts=8).latents(model, pictures)
    torch.testing.assert_close(found[:, 4:7], z[:, 4:7])
    torch.testing.assert_close(found, z, atol=0.1, rtol=0)
    assert found.abs().max() <= 1
    told = replace(BRIEF, classes=(2,)).latents(model, pictures)
    assert (told[:, 6] == 1).all()


def test_latents_are_held_to_typical_lengths() -> None:
    """A generator that can come ever nearer to black by going ever farther out."""

    class Bright(Generator):
        z_dim, image_shape = 16, (1, 8, 8)

        def __init__(self) -> None:
            super().__init__()
            self.nothing = nn.Parameter(torch.zeros(1))

        def synthesis(self, w: Tensor) -> Tensor:
            return (0.2 * w.sum(dim=1)).tanh()[:, None, None, None].expand(-1, 1, 8, 8)

    model = Model(Bright(), Prior(16))
    black = np.zeros((1, 8, 8, 1), np.uint8)
    held, free = (replace(BRIEF, typical=each).latents(model, black).norm().item() for each in (1.0, 0.0))
    assert held < math.sqrt(16) + 1.5 < free


def test_lengths_of_samples_cost_nothing_or_little() -> None:
    for prior in (Prior(100), Prior(5), Prior(100, mean=2.0, std=0.4)):
        assert norm_penalty(from_seeds(prior, range(200)), prior).mean() < 0.02
        assert norm_penalty(torch.full((1, prior.z_dim), prior.mean), prior) > 0.1
    assert norm_penalty(torch.full((1, 5), 9.0), Prior(5, kind="uniform")) == 0


def test_the_distance_sees_every_scale() -> None:
    x = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert distance(x, x).tolist() == [0, 0, 0]
    assert distance(x, x + 0.5).tolist() == pytest.approx([4 * 0.25] * 3), "an even change counts at all four scales"
    checks = 0.5 * (torch.arange(32)[:, None] + torch.arange(32)[None]).remainder(2).mul(2).sub(1)
    assert distance(x, x + checks).tolist() == pytest.approx([0.25] * 3, rel=1e-4), "a fine one only at the finest"
    assert distance(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]])).item() == 12.5


def test_psnr() -> None:
    black, grey = np.zeros((1, 4, 4, 3), np.uint8), np.full((1, 4, 4, 3), 51, np.uint8)
    assert psnr(black, grey) == pytest.approx([20 * math.log10(5)])
    assert psnr(grey, grey) == [math.inf]


def test_the_refinement_comes_nearer_as_a_network_sees_it() -> None:
    """In pictures that the generator cannot make: drawn faces."""
    model, given = Model(small(), Prior(12)), load("faces", count=2, size=(16, 16)).images
    distance = PerceptualDistance(PerceptualFeatures((3, 16, 16)))

    @torch.no_grad()
    def far(request: Invert) -> Tensor:
        return distance(as_x(render(model.generator, request.latents(model, given))), as_x(given))

    by_pixels = replace(BRIEF, drawn=16, starts=1, iterations=30)
    plain, refined = far(by_pixels), far(replace(by_pixels, perceptual=1.0, refinements=12))
    assert (refined < plain).all()
    assert torch.equal(far(replace(by_pixels, perceptual=1.0, refinements=0)), plain)


def test_pictures_that_perceptual_features_cannot_see_are_found_by_pixels() -> None:
    model = Model(Dcgan(12, width=8).generator((2, 16, 16)), Prior(12))
    pictures = render(model.generator, from_seeds(model.prior, range(2)))
    by_pixels = replace(BRIEF, drawn=16, starts=1, iterations=5)
    assert torch.equal(by_pixels.latents(model, pictures), replace(by_pixels, perceptual=1.0).latents(model, pictures))


def test_points_and_refusals() -> None:
    class Plane(Generator):
        z_dim, image_shape = 2, (2,)

        def __init__(self) -> None:
            super().__init__()
            self.turn = nn.Parameter(torch.tensor([[0.0, 1.0], [-1.0, 0.0]]))

        def synthesis(self, w: Tensor) -> Tensor:
            return w @ self.turn

    model = Model(Plane(), Prior(2))
    points = np.array([[0.5, -1.0], [1.0, 0.25]], np.float32)
    found = BRIEF.latents(model, points)
    torch.testing.assert_close(model.generator(found).detach(), torch.from_numpy(points), atol=0.01, rtol=0)
    with pytest.raises(ConfigError, match=r"The picture is 1x8x8 .* and .* makes 2"):
        BRIEF.latents(model, np.zeros((1, 8, 8, 1), np.uint8))
    with pytest.raises(ConfigError, match="No picture to reproduce"):
        show(Invert(), [model])
    with pytest.raises(ConfigError, match="9 starts cannot be chosen from 8"):
        Invert(starts=9, drawn=8)
