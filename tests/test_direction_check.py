"""The check of directions from examples: a planted feature is found, and other directions are not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ganache.core.rendering import Model
from ganache.figures import draw
from ganache.lab import direction_check
from ganache.lab.direction_check import DirectionCheck
from ganache.lab.experiments import Directions
from ganache.lab.figure import Figure
from ganache.lab.latent_source import LatentSource
from ganache.lab.points import Point
from ganache.lab.show import show
from ganache.types import Generator, Prior


class Stripes(Generator):
    """Grey pictures: the first number makes stripes, and each of the others a brighter square."""

    z_dim, image_shape = 17, (1, 16, 16)

    def __init__(self) -> None:
        super().__init__()
        self.contrast = nn.Parameter(torch.tensor(0.5))

    def synthesis(self, w: Tensor) -> Tensor:
        stripes = torch.ones(16, 16)
        stripes[::2] = -1
        squares = w[:, 1:].reshape(-1, 4, 4).repeat_interleave(4, dim=1).repeat_interleave(4, dim=2)
        return (0.3 * squares + self.contrast * w[:, :1, None].sigmoid() * stripes).tanh()[:, None]


MODEL = Model(Stripes(), Prior(17))
Z = LatentSource(MODEL.prior).from_seeds(*range(120))[:, 0]
HAVING = tuple(Point((seed,)) for seed in range(120) if Z[seed] > 0.9)[:10]
LACKING = tuple(Point((seed,)) for seed in range(120) if Z[seed] < -0.9)[:10]
REQUEST = Directions("examples", having=HAVING, lacking=LACKING, steps=(-3.0, 3.0))


def checked(request: Directions, row: Tensor) -> DirectionCheck:
    found = request.check(row[None], LatentSource(MODEL.prior), MODEL)
    assert found is not None
    return found


def test_a_direction_that_moves_the_feature_passes_and_others_are_at_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checked(REQUEST, torch.eye(17)[0])
    assert found.auc > 0.95
    assert max(found.chance) < found.auc
    assert min(found.chance) > 0.4, "directions from random examples move what these have in common by accident"
    monkeypatch.setattr(direction_check, "RANDOM", 1)
    assert checked(REQUEST, -torch.eye(17)[0]).auc == pytest.approx(1 - found.auc, abs=1e-3), "the wrong way"
    assert 0.2 < checked(REQUEST, torch.eye(17)[5]).auc < 0.8


def test_the_figure_says_the_check_and_its_chance_level(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direction_check, "RANDOM", 2)
    shown = show(REQUEST, [MODEL])
    assert isinstance(shown, Figure)
    assert shown.remark.startswith("Check on 24 other latents: the direction adds the feature. Pictures moved by +3 ")
    by_chance = DirectionCheck(0.7, (0.5, 0.8), "perceptual", (-3.0, 3.0)).describe()
    assert "24 other latents: the direction is no better than chance" in by_chance
    assert "by 2 directions from random examples; perceptual features)." in shown.remark
    assert draw(shown).height > draw(replace(shown, remark="")).height + 10
    for request in (replace(REQUEST, steps=(2.0,)), Directions("pca", top=1, n=20)):
        other = show(request, [MODEL])
        assert isinstance(other, Figure)
        assert not other.remark, "one step has nothing to be compared with; other directions have no examples"
