"""Nearest real pictures, against a search by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganache.core.rendering import Model, render
from ganache.data import load
from ganache.errors import ConfigError
from ganache.evaluation.features.perceptual import PerceptualFeatures
from ganache.figures import draw
from ganache.functional.latents import from_seeds
from ganache.lab import nearest_neighbours
from ganache.lab.experiments import Neighbours
from ganache.lab.figure import Figure, ImageGrid
from ganache.lab.nearest_neighbours import nearest, pixel_features
from ganache.lab.show import show
from ganache.types import Generator, Prior

RNG = np.random.default_rng(0)
REAL = RNG.integers(0, 255, (700, 12, 10, 3), dtype=np.uint8)


class Blur(Generator):
    z_dim = 5

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.image_shape = shape or (3, 12, 10)
        numbers = int(np.prod(self.image_shape))
        self.weight = nn.Parameter(torch.randn(5, numbers, generator=torch.Generator().manual_seed(0)))

    def synthesis(self, w: Tensor) -> Tensor:
        return (w @ self.weight / 3).tanh().reshape(-1, *self.image_shape)


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
    real = REAL[500:650].copy()
    real[[40, 100]] = render(model.generator, from_seeds(model.prior, [8, 7]))
    made = show(Neighbours(2, 4, seed=7), [model], real)
    assert isinstance(made, Figure)
    for sheet in made.groups[0]:
        assert isinstance(sheet, ImageGrid)
        assert sheet.captions[::5] == ("", "")
        assert sheet.captions[1::5] == ("0.000", "0.000")
        assert float(sheet.captions[2]) > 0
        assert np.array_equal(sheet.pictures[[1, 6]], real[[100, 40]])
        assert np.array_equal(sheet.pictures[[0, 5]], real[[100, 40]])
    assert len(made.groups[0]) == 2
    without = ImageGrid(sheet.pictures, 5, sheet.column_labels, sheet.row_labels, sheet.heading)
    taller = [draw(Figure("Nearest.", ((each,),))).height for each in (sheet, without)]
    assert taller[0] - taller[1] in range(20, 50), "two lines of captions"


def test_one_kind_alone_and_refusals() -> None:
    model = Model(Blur(), Prior(5), "blur")
    for of in ("pixels", "features"):
        made = show(Neighbours(2, 4, of=of), [model], REAL[:50])  # type: ignore[arg-type]
        assert isinstance(made, Figure)
        assert len(made.groups[0]) == 1
    with pytest.raises(ConfigError, match="5 neighbours are asked for, of 5 real pictures"):
        show(Neighbours(), [model], REAL[:5])
    with pytest.raises(ConfigError, match="of blur are 12x10x3, and the real ones are 6x10x3"):
        show(Neighbours(), [model], REAL[:, :6])
    with pytest.raises(ConfigError, match="no data are given"):
        show(Neighbours(), [model])


def headings(shape: tuple[int, int, int]) -> list[str]:
    """The headings of the grids for pictures of this shape."""
    channels, height, width = shape
    real = RNG.integers(0, 255, (20, height, width, channels), dtype=np.uint8)
    made = show(Neighbours(1, 2), [Model(Blur(*shape), Prior(5), "blur")], real)
    assert isinstance(made, Figure)
    return [part.heading.split(", ")[1] for part in made.groups[0] if isinstance(part, ImageGrid)]


def test_features_are_perceptual_where_these_can_see() -> None:
    assert headings((3, 12, 10)) == headings((1, 8, 8)) == ["in pixels", "in perceptual features"]
    assert headings((2, 12, 10)) == ["in pixels", "in random features"]
    assert headings((3, 7, 9)) == ["in pixels"]


def test_features_of_a_data_set_are_computed_once_and_those_of_a_large_one_are_thinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANACHE_CACHE", str(tmp_path))
    monkeypatch.setattr(nearest_neighbours, "MAX_SEARCHED", 12)
    seen: list[int] = []
    for name in ("vectors", "layer_vectors"):
        real = getattr(PerceptualFeatures, name)
        monkeypatch.setattr(PerceptualFeatures, name, lambda self, x, real=real: seen.append(len(x)) or real(self, x))
    data, model = load("faces", count=30, size=(12, 10)), Model(Blur(), Prior(5), "blur")
    request = Neighbours(1, 2, "features")
    first, again = show(request, [model], data), show(request, [model], data)
    assert sum(seen) == 10 + 2 * 3, "every third of the real pictures once; the sample and its two neighbours twice"
    without_cache = show(request, [model], data.images)
    for figure in (first, again, without_cache):
        assert isinstance(figure, Figure)
        (grid,) = figure.groups[0]
        assert isinstance(grid, ImageGrid)
        assert "in perceptual features of 10 of them" in grid.heading
        (first_grid,) = first.groups[0]  # type: ignore[union-attr]
        assert np.array_equal(grid.pictures, first_grid.pictures)  # type: ignore[union-attr]
        assert any(np.array_equal(grid.pictures[1], each) for each in data.images[::3])
