"""How much pictures differ, on pictures where the answer is known; and dimensions ranked by it."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from ganache.core.rendering import Model
from ganache.functional import effects
from ganache.lab.experiments import Dimensions
from ganache.lab.figure import Figure, ImageGrid
from ganache.lab.show import show
from ganache.types import Generator, Prior


class Painter(Generator):
    """Dimension d paints `strength[d]` times its number on a square of its own, in one of 3 x 3 places of 16 x 16."""

    def __init__(self, strength: Tensor, bend: float = 0.0) -> None:
        super().__init__()
        self.z_dim, self.image_shape, self.bend = len(strength), (1, 48, 48), bend
        self.strength = nn.Parameter(strength)

    def synthesis(self, w: Tensor) -> Tensor:
        painted = self.strength * (w + self.bend * w.roll(1, dims=1) * w)
        squares = torch.cat([painted, painted.new_zeros(len(w), 9 - self.z_dim)], dim=1).reshape(-1, 1, 3, 3)
        return squares.repeat_interleave(16, dim=2).repeat_interleave(16, dim=3)


STRENGTH = torch.tensor([0.02, 0.1, 0.05, 0.2, 0.01])


def test_change_is_a_share_of_the_whole_range() -> None:
    black, white = -torch.ones(2, 3, 8, 8), torch.ones(2, 3, 8, 8)
    assert effects.mean_change(black, white).tolist() == [1, 1]
    half = black.clone()
    half[:, :, :, 4:] = 1
    assert effects.mean_change(black, half).tolist() == [0.5, 0.5]
    assert torch.equal(effects.change_map(black, half)[0], torch.tensor([0.0, 0, 0, 0, 1, 1, 1, 1]))
    assert effects.mean_change(torch.zeros(1, 2), torch.tensor([[3.0, -1.0]])).tolist() == [2]


def test_structure_counts_moved_edges_and_hardly_brightness() -> None:
    x = torch.rand(4, 3, 24, 24, generator=torch.Generator().manual_seed(0)) - 0.5
    assert effects.structural_change(x, x).tolist() == pytest.approx([0] * 4, abs=1e-6)
    brighter, moved = x + 0.1, x.roll(1, dims=3)
    assert (effects.structural_change(x, brighter) < 0.05).all()
    assert (effects.structural_change(x, moved) > 0.5).all()
    assert torch.allclose(effects.structural_change(x, -x), effects.structural_change(-x, x))
    flat = torch.zeros(1, 1, 24, 24)
    a, b, c = 0.5, 0.75, 0.01**2  # of flat pictures only the luminance is left: equation 6 of the paper
    assert effects.structural_change(flat, flat + 0.5).item() == pytest.approx(
        1 - (2 * a * b + c) / (a * a + b * b + c), abs=1e-6
    )


def test_heat_goes_from_black_over_red_and_yellow_to_white() -> None:
    colours = effects.heat_colours(torch.tensor([[[0.0, 1, 2, 3]], [[0, 0, 0, 0]]]))
    assert colours[0, 0].tolist() == [[0, 0, 0], [255, 0, 0], [255, 255, 0], [255, 255, 255]]
    assert not colours[1].any()


@pytest.mark.parametrize("by", ["pixels", "structure"])
def test_dimensions_are_ranked_by_what_they_paint_and_seen_where(by: str) -> None:
    model = Model(Painter(STRENGTH), Prior(5))
    found = Dimensions(n=8, reach=1.0, by=by).effects(model)  # type: ignore[arg-type]
    assert [each.sweep.dimension for each in found] == [3, 1, 2, 0, 4]
    for each in found:
        d = each.sweep.dimension
        assert d is not None
        assert each.where is not None
        assert each.pixels == pytest.approx(float(STRENGTH[d]) / 9, rel=1e-4), "2 of a range of 2, on a ninth"
        row, column = divmod(d, 3)
        square = each.where[16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
        assert square.sum().item() == pytest.approx(each.where.sum().item())


def test_the_ranking_agrees_with_the_change_in_other_latents() -> None:
    strength = 0.02 + 0.1 * torch.rand(9, generator=torch.Generator().manual_seed(3))
    model = Model(Painter(strength, bend=0.5), Prior(9))
    ranks = []
    for seed in (0, 5000):
        found = Dimensions(n=64, seed=seed).effects(model)
        ranks.append([[each.sweep.dimension for each in found].index(d) for d in range(9)])
    assert spearmanr(*ranks).statistic > 0.8


def test_the_figure_shows_low_and_high_and_where() -> None:
    made = show(Dimensions(top=2, n=8), [Model(Painter(STRENGTH), Prior(5), "painter")])
    assert isinstance(made, Figure)
    sheet = made.groups[0][0]
    assert isinstance(sheet, ImageGrid)
    assert sheet.pictures.shape == (2 * 7, 48, 48, 3)
    assert sheet.row_labels[0].startswith("1. dimension 3: pixels 4.4%")
    assert sheet.column_labels == (*[f"seed {k}, {end}" for k in range(3) for end in ("low", "high")], "where")
    first = sheet.pictures[:7, 8, 8]  # the square of dimension 0, which only the row of dimension 0 would change
    assert (first[0] == first[1]).all()
    low, high = sheet.pictures[:2, 24, 8, 0].astype(int)
    assert high - low == pytest.approx(0.8 * 127.5, abs=1)
    assert sheet.pictures[6, 24, 8].tolist() == [255, 255, 255]


def test_codes_and_the_category_are_columns_of_their_own() -> None:
    class Codes(Generator):
        z_dim, image_shape = 7, (1, 8, 8)

        def __init__(self) -> None:
            super().__init__()
            self.weights = nn.Parameter(torch.tensor([0.01, 0.02, 0.0, 0.4, 0.8, 0.2, 0.0]))

        def synthesis(self, w: Tensor) -> Tensor:
            return (w * self.weights).sum(dim=1)[:, None, None, None].expand(-1, 1, 8, 8)

    model = Model(Codes(), Prior(7, categories=3, continuous=2))
    found = Dimensions(n=4).effects(model)
    assert [each.sweep.name for each in found] == ["category", "code1", "dimension 1", "dimension 0", "code2"]
    assert found[0].pixels == pytest.approx(0.2), "0 to 0.4 to 0.8, of a range of 2"
    assert found[1].pixels == pytest.approx(0.2), "from -1 to 1 by 0.2"
    names = [each.sweep.name for each in Dimensions(n=4, classes=(1,)).effects(model)]
    assert "category" not in names
