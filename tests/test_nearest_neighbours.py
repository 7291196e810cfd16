"""Nearest real pictures, against a search by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganache.core.rendering import Model, render
from ganache.errors import ConfigError
from ganache.figures import draw
from ganache.functional.latents import from_seeds
from ganache.lab.experiments import Neighbours
from ganache.lab.figure import Figure, ImageGrid
from ganache.lab.nearest_neighbours import nearest, pixel_features
from ganache.lab.show import show
from ganache.types import Generator, Prior

RNG = np.random.default_rng(0)
REAL = RNG.integers(0, 255, (700, 12, 10, 3), dtype=np.uint8)


class Blur(Generator):
    z_dim, image_shape = 5, (3, 12, 10)

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 360, generator=torch.Generator().manual_seed(0)))

    def synthesis(self, w: Tensor) -> Tensor:
        return (w @ self.weight / 3).tanh().reshape(-1, 3, 12, 10)


def test_the_nearest_are_those_of_a_search_by_hand() -> None:
    fake = RNG.integers(0, 255, (4, 12, 10, 3), dtype=np.uint8)
    fake[2] = REAL[650]
    distances, which, usual = nearest(fake, REAL, pixel_features, 3, seed=0)
    by_hand = np.sqrt(np.square(fake[:, None] / 255 - REAL[None] / 255).mean(axis=(2, 3, 4)))
    assert which.tolist() == by_hand.argsort(axis=1)[:, :3].tolist()
    assert distances.numpy() == pytest.approx(np.sort(by_hand, axis=1)[:, :3], abs=1e-6)
    assert distances[2, 0] == 0, "a copy is at exactly 0"
    among = np.sqrt(np.square(REAL[:200, None] / 255 - REAL[None, :200] / 255).mean(axis=(2, 3, 4)))
    among[np.arange(200), np.arange(200)] = np.inf
    assert usual == pytest.approx(np.median(among.min(axis=1)), rel=0.05)


def test_a_copy_is_found_in_pixels_and_in_features() -> None:
    model = Model(Blur(), Prior(5), "blur")
    real = REAL.copy()
    real[[40, 600]] = render(model.generator, from_seeds(model.prior, [8, 7]))
    made = show(Neighbours(2, 4, seed=7), [model], real)
    assert isinstance(made, Figure)
    for sheet in made.groups[0]:
        assert isinstance(sheet, ImageGrid)
        assert sheet.captions[::5] == ("", "")
        assert sheet.captions[1::5] == ("0.000", "0.000")
        assert float(sheet.captions[2]) > 0
        assert np.array_equal(sheet.pictures[[1, 6]], real[[600, 40]])
        assert np.array_equal(sheet.pictures[[0, 5]], real[[600, 40]])
    assert len(made.groups[0]) == 2
    without = ImageGrid(sheet.pictures, 5, sheet.column_labels, sheet.row_labels, sheet.heading)
    taller = [draw(Figure("Nearest.", ((each,),))).height for each in (sheet, without)]
    assert taller[0] - taller[1] in range(20, 50), "two lines of captions"


def test_one_kind_alone_and_refusals() -> None:
    model = Model(Blur(), Prior(5), "blur")
    for of in ("pixels", "features"):
        made = show(Neighbours(2, 4, of=of), [model], REAL)  # type: ignore[arg-type]
        assert isinstance(made, Figure)
        assert len(made.groups[0]) == 1
    with pytest.raises(ConfigError, match="5 neighbours are asked for, of 5 real pictures"):
        show(Neighbours(), [model], REAL[:5])
    with pytest.raises(ConfigError, match="of blur are 12x10x3, and the real ones are 6x10x3"):
        show(Neighbours(), [model], REAL[:, :6])
    with pytest.raises(ConfigError, match="no data are given"):
        show(Neighbours(), [model])
