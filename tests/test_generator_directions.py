"""Directions of whole generators, of every family; and what moving along them does."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ganache.core.rendering import Model
from ganache.errors import ConfigError
from ganache.functional import latents
from ganache.lab.experiments import Along, Directions
from ganache.lab.figure import Figure, ImageGrid
from ganache.lab.first_layer import first_activations, first_weight
from ganache.lab.points import Kept, Point
from ganache.lab.show import show
from ganache.networks.anime_article import AnimeArticle
from ganache.networks.dcgan import Dcgan
from ganache.networks.infogan import Infogan
from ganache.networks.mlp import Mlp
from ganache.networks.r3gan import R3gan
from ganache.networks.residual import Residual
from ganache.networks.wgan_article import WganArticle
from ganache.types import Generator, Prior

FAMILIES = {
    "anime-article": (AnimeArticle(6, width=2).generator((3, 24, 24)), "project.weight"),
    "dcgan": (Dcgan(6, width=2).generator((3, 16, 16)), "project.weight"),
    "dcgan, modulated": (Dcgan(6, width=2, self_modulation=True).generator((3, 16, 16)), "project.weight"),
    "infogan": (Infogan(6, hidden=9, width=2).generator((1, 16, 16)), "project.0.weight"),
    "mlp": (Mlp(6, hidden=8, layers=2).generator((2,)), "project.0.weight"),
    "wgan-article": (WganArticle(6, hidden=9, width=2).generator((1, 24, 24)), "project.0.weight"),
    "r3gan": (R3gan(6, width=16).generator((3, 16, 16)), "project.scale.weight"),
    "residual": (Residual(6, width=4).generator((3, 16, 16)), "project.weight"),
}


class Linear(Generator):
    """x = W z as a picture of one row: everything about it is known."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.z_dim, self.image_shape = weight.shape[1], (1, 1, len(weight))
        self.layer = nn.Linear(*reversed(weight.shape), bias=False)
        self.layer.weight.data = weight

    def synthesis(self, w: Tensor) -> Tensor:
        return self.layer(w)[:, None, None]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_first_weight_of_every_family(name: str) -> None:
    generator, where = FAMILIES[name]
    assert torch.equal(first_weight(generator), generator.state_dict()[where])
    assert not any(module._forward_hooks for module in generator.modules()), "nothing is left behind"
    model = Model(generator, Prior(6))
    for how in ("sefa", "pca"):
        directions, names = Directions(how, top=4, n=30).directions(model)  # type: ignore[arg-type]
        assert directions.shape == (4, 6)
        assert len(names) == 4
        assert directions.norm(dim=1).tolist() == pytest.approx([1] * 4)


def test_a_spectral_weight_is_the_one_that_acts() -> None:
    torch.manual_seed(0)
    generator = Dcgan(6, width=2, generator_spectral=True).generator((3, 16, 16))
    z = torch.randn(5, 6)
    for _ in range(30):
        generator(z)  # a power iteration each
    generator.eval()
    weight = first_weight(generator)
    torch.testing.assert_close(z @ weight.T, generator.project(z))
    assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=1e-2)


def test_activations_are_those_behind_the_first_layer() -> None:
    generator, _ = FAMILIES["infogan"]
    z = torch.randn(70, 6)
    generator.eval()
    torch.testing.assert_close(first_activations(generator, z), generator.project[:3](z).detach())
    modulated, _ = FAMILIES["dcgan, modulated"]
    assert first_activations(modulated, z).shape == (70, 4 * 4 * 4), "what a modulation hides is none"
    wide, _ = FAMILIES["anime-article"]
    assert first_activations(wide, z).shape == (70, 2 * 8 * 8), "large maps are averaged down"

    class Mapped(Linear):
        def mapping(self, z: Tensor) -> Tensor:
            return z**3

    torch.testing.assert_close(first_activations(Mapped(torch.eye(6)), z), z**3)
    torch.testing.assert_close(first_activations(Linear(torch.eye(6)), z), z)


def test_both_find_what_a_linear_generator_does_most() -> None:
    u, v = (torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(k)))[0] for k in (0, 1))
    generator = Linear(u * torch.tensor([8.0, 4, 2, 1, 0.5, 0.2, 0.1, 0.05]) @ v.T)
    model = Model(generator, Prior(8))
    by_weight, _ = Directions(top=3).directions(model)
    torch.testing.assert_close((by_weight.float() @ v).abs()[:, :3], torch.eye(3), atol=1e-4, rtol=0)
    by_effect, _ = Directions("pca", top=3, n=4000).directions(model)
    assert ((by_effect * by_weight).sum(dim=1) > 0.98).all()


def test_a_direction_of_examples_moves_the_feature() -> None:
    generator = Linear(torch.eye(12))
    model = Model(generator, Prior(12, continuous=2))
    z = latents.from_seeds(model.prior, range(200))
    having = tuple(Point((seed,)) for seed in range(200) if z[seed, 4] > 0.5)
    lacking = tuple(Point((seed,)) for seed in range(200) if z[seed, 4] < -0.5)
    made = show(Directions("examples", having=having, lacking=lacking, points=(Point((7,)),)), [model])
    assert isinstance(made, Figure)
    (direction,) = torch.tensor(made.latents)
    assert direction[4] > 0.9
    assert direction[10:].tolist() == [0, 0], "codes stay as they are"
    assert direction.norm().item() == pytest.approx(1, abs=1e-6)


def test_a_kept_name_of_several_seeds_stands_for_each_of_them() -> None:
    model = Model(Linear(torch.eye(5)), Prior(5))
    lacking = (Point((9,)),)
    one = Directions("examples", having=(Point((Kept("x", (1, 2, 3)),)),), lacking=lacking).directions(model)
    other = Directions("examples", having=(Point((1,)), Point((2,)), Point((3,))), lacking=lacking).directions(model)
    assert torch.equal(one[0], other[0])
    assert one[1] == ["from 1 without to 3 with"]


def test_along_moves_by_the_step_whatever_the_length_of_the_direction() -> None:
    generator = Linear(0.1 * torch.eye(6))
    given = Point((Kept(vector=(0.0, 0, 7, 0, 0, 0)),))
    made = show(Along((given,), (Point((3,)), Point((4,))), steps=(-2.0, 0.0, 2.0)), [Model(generator, Prior(6))])
    assert isinstance(made, Figure)
    sheet = made.groups[0][0]
    assert isinstance(sheet, ImageGrid)
    assert sheet.column_labels == ("-2", "0", "+2")
    assert sheet.row_labels == ("a vector, seed 3", "a vector, seed 4")
    shown = sheet.pictures.reshape(2, 3, 6).astype(int)
    others = [0, 1, 3, 4, 5]
    assert (shown[:, :, others] == shown[:, :1, others]).all()
    assert shown[:, 2, 2] - shown[:, 0, 2] == pytest.approx([51, 51], abs=1), "0.4 of a range of 2"


def test_a_generator_without_a_linear_layer_has_no_first_weight() -> None:
    class Bare(Generator):
        z_dim, image_shape = 3, (1, 1, 3)

        def __init__(self) -> None:
            super().__init__()
            self.nothing = nn.Parameter(torch.zeros(1))

        def synthesis(self, w: Tensor) -> Tensor:
            return w[:, None, None]

    with pytest.raises(ConfigError, match="no linear layer that its latents meet first"):
        show(Directions(), [Model(Bare(), Prior(3))])
    transposed = nn.ConvTranspose2d(3, 2, 4, bias=False)

    class Convolved(Bare):
        def __init__(self) -> None:
            super().__init__()
            self.layer = transposed

        def synthesis(self, w: Tensor) -> Tensor:
            return self.layer(w[:, :, None, None])

    weight = first_weight(Convolved())
    z = torch.randn(2, 3)
    torch.testing.assert_close(z @ weight.T, transposed(z[:, :, None, None]).flatten(1).detach())
