"""The lab in W: truncation, mixing and directions of a style-based generator, against what each says of w."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ganache.cli.render import write_plain
from ganache.core.evaluating import evaluating
from ganache.core.rendering import Model, render
from ganache.errors import ConfigError
from ganache.figures import picture
from ganache.functional import latents
from ganache.lab.directions import generator_directions, one_step, resolve_directions
from ganache.lab.experiments import Along, Arithmetic, Directions, Invert, Mixing, Picture, Sample, Truncation, Walk
from ganache.lab.figure import Animation, Figure
from ganache.lab.latent_source import LatentSource
from ganache.lab.points import Kept, Point
from ganache.lab.show import show
from ganache.lab.styles import in_styles, layer_range, mean_w, styles, with_noise
from ganache.networks import Dcgan, Style
from ganache.types import Prior
from weights import perturb

SHAPE = (3, 16, 16)
PRIOR = Prior(5)
LAYERS, W_DIM = 6, 4


@pytest.fixture(scope="module")
def model() -> Model:
    torch.manual_seed(0)
    G = Style(z_dim=5, w_dim=W_DIM, width=4, max_width=8).generator(SHAPE)
    perturb(G)
    for _ in range(20):
        G.mapping(torch.randn(64, 5))
    return Model(G.eval(), PRIOR, "small")


def pictures(model: Model, w: Tensor) -> np.ndarray:
    """Return the pictures of w [N, LAYERS, W_DIM]."""
    return render(in_styles(model).generator, w.flatten(1))


def shown(figure: Figure | Animation) -> np.ndarray:
    assert isinstance(figure, Figure)
    return figure.groups[0][0].pictures  # type: ignore[return-value]


def w_of(model: Model, seeds: list[int]) -> Tensor:
    return styles(model.generator, latents.from_seeds(PRIOR, seeds))


def test_samples_in_w_are_those_in_z(model: Model) -> None:
    assert model.generator.style_layers == LAYERS
    assert model.generator.mean_w.any()
    z, w = (shown(show(Sample(n=3, space=space), [model])) for space in ("z", "w"))
    np.testing.assert_array_equal(z, w)


def test_truncation(model: Model) -> None:
    """psi 0 gives the picture of the mean, psi 1 the sample; with a cutoff, only the first layers move."""
    w, mean = w_of(model, [7, 8]), mean_w(model.generator)
    request = Truncation(space="w", stds=(0.0, 0.5, 1.0), n=2, seed=7)
    rows = shown(show(request, [model])).reshape(3, 2, 16, 16, 3)
    np.testing.assert_array_equal(rows[0, 0], pictures(model, mean.expand(1, LAYERS, -1))[0])
    np.testing.assert_array_equal(rows[1], pictures(model, (w + mean) / 2))
    np.testing.assert_array_equal(rows[2], pictures(model, w))
    cut = shown(show(replace(request, layers=2), [model])).reshape(3, 2, 16, 16, 3)
    w[:, :2] = mean
    np.testing.assert_array_equal(cut[0], pictures(model, w))
    for layers in (7, -2):
        with pytest.raises(ConfigError, match=f"layers is {layers}, and this generator has 6 layers: use 0 to 6"):
            show(replace(request, layers=layers), [model])
    with pytest.raises(ConfigError, match="only w has layers: add --space w"):
        Truncation(layers=2)
    plain = Model(Dcgan(width=4).generator(SHAPE), Prior(100), "plain")
    with pytest.raises(ConfigError, match="plain has no mapping"):
        show(replace(request, layers=2), [plain])


@pytest.mark.parametrize("request_in_z", [Sample(n=2, std=0.3), Truncation(n=2), Picture((Point((1,)),), std=0.5)])
def test_a_scale_of_z_is_refused_where_the_mapping_normalises_it(request_in_z: Any, model: Model) -> None:
    with pytest.raises(ConfigError, match="small normalises z, so its scale changes no picture: add --space w"):
        show(request_in_z, [model])
    z = latents.from_seeds(PRIOR, range(2))
    torch.testing.assert_close(model.generator.mapping(z), model.generator.mapping(0.3 * z))


def test_mixing(model: Model) -> None:
    """The grid has the rows' latents at its left, the columns' above, and their mixtures inside."""
    rows, columns = [1, 2], [3, 4, 5]
    request = Mixing(tuple(Point((seed,)) for seed in rows), tuple(Point((seed,)) for seed in columns), layers=(1, 3))
    cells = shown(show(request, [model])).reshape(3, 4, 16, 16, 3)
    assert (cells[0, 0] == 255).all()
    np.testing.assert_array_equal(cells[1:, 0], pictures(model, w_of(model, rows)))
    np.testing.assert_array_equal(cells[0, 1:], pictures(model, w_of(model, columns)))
    mixed = w_of(model, [2])
    mixed[:, 1:4] = w_of(model, [4])[:, 1:4]
    np.testing.assert_array_equal(cells[2, 2], pictures(model, mixed)[0])
    by_default = show(replace(request, layers=()), [model])
    assert by_default.title.startswith("Layers 3 to 5 of 0 to 5 are those of the column's latent")


def test_walks_and_arithmetic_in_w_are_straight(model: Model) -> None:
    walk = show(Walk((Point((1,)), Point((2,))), frames=2, loop=False, space="w"), [model])
    assert isinstance(walk, Animation)
    assert "straight" in walk.title
    w = w_of(model, [1, 2])
    np.testing.assert_array_equal(walk.sequences[0][1], pictures(model, w.mean(dim=0, keepdim=True))[0])
    mixed = show(Arithmetic("mix", (Point((1,)), Point((2,))), space="w"), [model])
    np.testing.assert_array_equal(shown(mixed)[2], walk.sequences[0][1])


@pytest.mark.parametrize("how", ["sefa", "pca"])
def test_directions_change_the_chosen_layers_alone(model: Model, how: str) -> None:
    view = in_styles(model)
    rows, captions = generator_directions(view, how, 2, layers=(1, 2))  # type: ignore[arg-type]
    blocks = rows.unflatten(1, (LAYERS, W_DIM))
    assert not blocks[:, [0, 3, 4, 5]].any()
    torch.testing.assert_close(blocks[:, 1], blocks[:, 2])
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(2).double())
    assert captions[0].startswith(f"{how} 1, ")
    figure = show(Directions(how, top=2, space="w", layers=(1, 2), steps=(0.0, 2.0)), [model])  # type: ignore[arg-type]
    assert len(figure.latents[0]) == LAYERS * W_DIM  # type: ignore[union-attr]
    moved = w_of(model, [0]).flatten(1) + 2 * one_step(view, rows)[:1].float()
    np.testing.assert_array_equal(shown(figure)[1], pictures(model, moved.unflatten(1, (LAYERS, W_DIM)))[0])


def test_sefa_is_that_of_the_affine_layers(model: Model) -> None:
    """The first direction is the first right singular vector of the weights that read w of these layers."""
    G = model.generator
    scale = 1 / W_DIM**0.5
    weight = torch.cat([G.layers[0].affine.weight, G.layers[1].affine.weight, G.colours[0].affine.weight]) * scale
    rows, _ = generator_directions(in_styles(model), "sefa", 1, layers=(0, 1))
    expected = torch.linalg.svd(weight.detach().double())[2][0]
    first = rows[0].unflatten(0, (LAYERS, W_DIM))[0]
    assert abs(float(first @ expected)) == pytest.approx(float(first.norm()), rel=1e-5)
    assert len(G.style_weights()) == LAYERS


def test_pca_finds_the_direction_in_which_w_varies_most(model: Model) -> None:
    view = in_styles(model)
    rows, _ = generator_directions(view, "pca", 3, n=400)
    w = w_of(model, list(range(400))).flatten(1).double()
    deviations = (w @ rows.T).std(dim=0)
    assert list(deviations) == sorted(deviations, reverse=True)
    values = torch.linalg.eigvalsh(torch.cov(w.T))
    assert float(deviations[0] ** 2) == pytest.approx(float(values[-1]), rel=1e-6)


def test_a_step_is_the_standard_deviation_of_w(model: Model) -> None:
    view = in_styles(model)
    rows, _ = generator_directions(view, "sefa", 3)
    w = w_of(model, list(range(1000))).flatten(1).double()
    torch.testing.assert_close(one_step(view, rows).norm(dim=1), (w @ rows.T).std(dim=0), rtol=1e-6, atol=0)
    torch.testing.assert_close(one_step(model, torch.eye(5)), torch.eye(5))


def test_kept_latents_of_either_space_are_points_in_w(model: Model) -> None:
    source = LatentSource(in_styles(model).prior)
    z, w = latents.from_seeds(PRIOR, [3]), w_of(model, [3]).flatten(1)
    for vector in (z, w):
        point = Point((Kept(vector=tuple(vector[0].tolist())),))
        torch.testing.assert_close(source.from_point(point), w)
    along = Along((Point((Kept(vector=tuple(w[0].tolist())),)),), (Point((0,)),), (1.0,), space="w")
    assert shown(show(along, [model])).shape == (1, 16, 16, 3)


def test_a_direction_of_z_is_none_of_w(model: Model) -> None:
    unit = Kept("smile", vector=(0.6, 0.8, 0.0, 0.0, 0.0))
    with pytest.raises(ConfigError, match="smile is a direction of z: find one of w"):
        show(Along(points=(Point((3,)),), directions=(Point((unit,)),), space="w"), [model])
    of_w = Kept("grin", vector=(1.0, *[0.0] * (LAYERS * W_DIM - 1)))
    with pytest.raises(ConfigError, match="and with --space w if it is one of w"):
        show(Along(points=(Point((3,)),), directions=(Point((of_w,)),)), [model])


def test_the_direction_towards_a_latent_begins_at_the_mean_of_w(model: Model) -> None:
    seen = in_styles(model)
    found = resolve_directions([Point((3,))], LatentSource(seen.prior), seen)
    expected = (w_of(model, [3]) - mean_w(model.generator)).flatten(1)
    torch.testing.assert_close(found / found.norm(), expected / expected.norm())


def test_directions_that_move_nothing_are_refused(model: Model) -> None:
    coarse = Kept("coarse", vector=(1.0, *[0.0] * (LAYERS * W_DIM - 1)))
    request = Picture((Point((3,)),), space="w", directions=(Point((coarse,)),), steps=(2.0,), layers=(4, 5))
    with pytest.raises(ConfigError, match="The direction coarse moves none of the layers 4 to 5"):
        show(request, [model])
    for fields in ({"std": 0.0}, {"n": 1}):
        with pytest.raises(ConfigError, match="differ in fewer than 2 directions"):
            generator_directions(in_styles(model), "pca", 2, **{"n": 20} | fields)


@pytest.mark.slow
def test_directions_from_examples_are_checked_in_w(model: Model) -> None:
    G = Style(z_dim=5, w_dim=W_DIM, width=4, max_width=8).generator((3, 32, 32))
    perturb(G)
    larger = Model(G.eval(), PRIOR, "larger")
    having, lacking = (tuple(Point((seed,)) for seed in range(first, first + 4)) for first in (0, 10))
    figure = show(Directions("examples", having=having, lacking=lacking, space="w", layers=(2, 3)), [larger])
    assert "Check on 24 other latents" in figure.remark  # type: ignore[union-attr]
    blocks = torch.tensor(figure.latents).unflatten(1, (8, W_DIM))  # type: ignore[union-attr]
    assert blocks[0, 2:4].any(dim=1).all()
    assert not blocks[0, 4:].any()


def test_noise_modes(model: Model) -> None:
    model = replace(model, generator=copy.deepcopy(model.generator))
    for layer in model.generator.layers:
        layer.strength.data.fill_(1.0)
    z = latents.from_seeds(PRIOR, [0])
    fixed = render(model.generator, z)
    assert with_noise(model.generator, "fixed") is model.generator
    assert not np.array_equal(render(with_noise(model.generator, "none"), z), fixed)
    changing = with_noise(model.generator, "random")
    assert not np.array_equal(render(changing, z), render(changing, z))
    np.testing.assert_array_equal(render(model.generator, z), fixed)


def test_a_picture_with_changed_styles(model: Model) -> None:
    """psi moves the first layers to the mean, then layers are mixed, then directions move some layers."""
    w, other, mean = w_of(model, [7]), w_of(model, [8]), mean_w(model.generator)
    request = Picture((Point((7,)),), std=0.5, space="w", cutoff=3, mixed=(Point((8,)),), mixed_layers=(2, 4))
    for changed in (w, other):
        changed[:, :3] = (changed[:, :3] + mean) / 2
    w[:, 2:5] = other[:, 2:5]
    np.testing.assert_array_equal(shown(show(request, [model])), pictures(model, w))
    rows, _ = generator_directions(in_styles(model), "sefa", 1)
    (step,) = one_step(in_styles(model), rows).reshape(1, LAYERS, W_DIM)
    w[:, 1:3] += 2 * step[1:3]
    moved = replace(request, directions=(Point(("sefa1",)),), steps=(2.0,), layers=(1, 2))
    np.testing.assert_allclose(shown(show(moved, [model])), pictures(model, w), atol=1)
    assert not np.array_equal(shown(show(moved, [model])), shown(show(request, [model])))
    assert "layers 2 to 4 of seed 8, +2 along sefa1" in show(moved, [model]).title


def test_a_picture_of_mixed_styles_is_the_cell_of_the_grid(model: Model) -> None:
    cells = shown(show(Mixing((Point((1,)),), (Point((3,)),), layers=(3, 5)), [model]))
    picture = Picture((Point((1,)),), space="w", mixed=(Point((3,)),), mixed_layers=(3, 5))
    np.testing.assert_array_equal(shown(show(picture, [model]))[0], cells[-1])


def test_a_picture_without_noise(model: Model) -> None:
    model = replace(model, generator=copy.deepcopy(model.generator))
    for layer in model.generator.layers:
        layer.strength.data.fill_(1.0)
    with_it, without = (shown(show(Picture(space="w", noise=noise), [model])) for noise in ("fixed", "none"))
    assert not np.array_equal(with_it, without)
    np.testing.assert_array_equal(without, render(with_noise(model.generator, "none"), latents.from_seeds(PRIOR, [0])))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cutoff": 2}, "cutoff is given, and only w has layers: add --space w"),
        ({"space": "w", "mixed": (Point((1,)),)}, "1 mixed and 0 numbers of mixed-layers are given"),
        ({"space": "w", "layers": (0, 1)}, "0 directions and 2 numbers of layers are given"),
        ({"space": "w", "mixed": (Point((1,)),), "mixed_layers": (0, 9)}, "has the layers 0 to 5"),
    ],
)
def test_styles_that_a_picture_cannot_have(model: Model, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        show(Picture(**fields), [model])


def test_a_generator_without_styles_shows_the_rest_of_the_request() -> None:
    plain = Model(Dcgan(z_dim=5, width=2).generator(SHAPE), PRIOR, "plain")
    request = Picture(std=0.3, space="w", mixed=(Point((1,)),), mixed_layers=(0, 1), dimensions=(2,), values=(1.0,))
    assert request.fitting(plain) == (Picture(dimensions=(2,), values=(1.0,)), ("styles",))


def test_others_say_why_not(model: Model) -> None:
    plain = Model(Dcgan(z_dim=5, width=2).generator(SHAPE), PRIOR, "plain")
    sentence = (
        "plain has no mapping from z to w, which W needs: use a run of a style-based network, such as the recipe "
        "style-small."
    )
    with pytest.raises(ConfigError) as refusal:
        show(Sample(space="w"), [plain])
    assert str(refusal.value) == sentence
    with pytest.raises(ConfigError, match="which mixing needs"):
        show(Mixing(), [plain])
    with pytest.raises(ConfigError, match=r"mean is 0\.5, and W has a mean of its own"):
        show(Sample(space="w", mean=0.5), [model])
    with pytest.raises(ConfigError, match="only w has layers"):
        Directions(layers=(0, 1))
    with pytest.raises(ConfigError, match="give the first and the last one, the smaller number first, such as 0 2"):
        layer_range((4, 9), 6)


@pytest.mark.slow
def test_inversion_into_w_and_w_plus_is_nearer_than_into_z(model: Model) -> None:
    """Each space contains the one before: pictures whose layers have different w are found best in W+."""
    w = w_of(model, [50, 51])
    w[:, 3:] = w_of(model, [52, 53])[:, 3:]
    target = pictures(model, w)
    errors = {}
    for space in ("z", "w", "w+"):
        request = Invert(("a.png",), starts=2, drawn=64, iterations=150, refinements=0, typical=0.1, space=space)  # type: ignore[arg-type]
        figure = show(request, [model], target)
        found = torch.tensor(figure.latents)  # type: ignore[union-attr]
        assert found.shape == (2, 5 if space == "z" else LAYERS * W_DIM)
        again = shown(figure)[2:].astype(float)
        errors[space] = float(np.square(again - target).mean())
    assert errors["w+"] < 0.5 * errors["w"] <= 0.5 * 1.1 * errors["z"]
    row = found[0].reshape(LAYERS, W_DIM)
    assert not torch.allclose(row[0], row[5]), "layers differ in W+"


def test_pictures_without_captions_are_those_of_the_figure(model: Model, tmp_path: Path) -> None:
    request = Sample(n=3, std=0.4, space="w")
    write_plain(request, model, tmp_path / "plain.png")
    write_plain(replace(request, space="z", std=1.0), model, tmp_path / "z.png")
    view = request.view(model)
    expected = picture(render(view.generator, request.bulk_latents(view.prior)))
    with Image.open(tmp_path / "plain.png") as found, Image.open(tmp_path / "z.png") as in_z:
        assert np.array_equal(np.asarray(found.convert("RGB")), np.asarray(expected.convert("RGB")))
        assert not np.array_equal(np.asarray(found), np.asarray(in_z))


def test_models_that_share_a_generator_leave_it_in_evaluation_mode(model: Model) -> None:
    """Threads share it: in training mode, a mapping that another one computes would move the mean of w."""
    before = mean_w(model.generator)
    render(in_styles(model).generator, w_of(model, [7]).flatten(1))
    w_of(model, [7, 8])
    assert not any(module.training for module in model.generator.modules())
    torch.testing.assert_close(mean_w(model.generator), before, rtol=0, atol=0)


def test_evaluating_restores_each_module_as_it_was(model: Model) -> None:
    outer = in_styles(model).generator
    with evaluating(outer, model.generator):
        assert not any(module.training for module in outer.modules())
    assert [module for module in outer.modules() if module.training] == [outer]
