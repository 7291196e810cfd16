"""Requests -> pictures, with generators whose pictures are their latents."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganache.core.rendering import Model, generate, render
from ganache.errors import ConfigError
from ganache.functional import latents
from ganache.lab.experiment import Experiment
from ganache.lab.experiments import (
    EXPERIMENTS,
    Along,
    Arithmetic,
    Average,
    Dimensions,
    Directions,
    Distribution,
    Invert,
    Mixing,
    Neighbours,
    Picture,
    RealVsFake,
    Sample,
    Traverse,
    Truncation,
    Walk,
)
from ganache.lab.figure import Animation, Figure, ImageGrid, ScatterPlot
from ganache.lab.points import Kept, Point
from ganache.lab.show import show
from ganache.types import Generator, Prior


class Echo(Generator):
    """x is z, as a grey picture of one row (values outside [-1, 1] are lost) or as the point of its first two."""

    def __init__(self, z_dim: int = 12, points: bool = False) -> None:
        super().__init__()
        self.z_dim, self.image_shape = z_dim, (2,) if points else (1, 1, z_dim)
        self.nothing = nn.Parameter(torch.zeros(1))
        self.batches: list[Tensor] = []

    def synthesis(self, w: Tensor) -> Tensor:
        self.batches.append(w.clone())
        return w[:, :2] if self.image_shape == (2,) else w.reshape(-1, 1, 1, self.z_dim)

    def seen(self) -> Tensor:
        """Every latent that went through."""
        return torch.cat(self.batches)


PLAIN = Prior(12)
CODED = Prior(12, categories=3, continuous=2)
EVERY: list[Experiment] = [
    Along((Point((Kept("smile", vector=(0.5,) * 12),)), Point((3, 4))), (Point((2,)),), classes=(1,)),
    Directions("pca", top=3, n=20),
    Directions("examples", having=(Point((1, 2)), Point((3,))), lacking=(Point((4, 5)),), classes=(2,)),
    Sample(6, (0.0, 0.3), classes=(1,)),
    Distribution(n=5, classes=(0, 2)),
    Average(n=4, classes=(1, 2)),
    Arithmetic(classes=(2,)),
    Arithmetic("a-b+c", (Point((1, 2)), Point((3,)), Point((Kept("smiling", (4, 5, 6)),)))),
    Arithmetic("abs(a-b)"),
    Invert(("a.png",), starts=2, drawn=9, iterations=3, classes=(1,), refinements=2),
    Dimensions(top=4, n=3, classes=(2,)),
    Dimensions(top=20, n=2, by="structure"),
    Arithmetic("a*b"),
    Neighbours(n=2, k=3, classes=(0,)),
    Neighbours(n=2, k=3, of="pixels"),
    Neighbours(k=3, points=(Point((1, 2)), Point((3,))), classes=(1, 2)),
    Picture((Point((3, 4)), Point((5,))), (2, "code1"), (0.5, -1.0), (Point((Kept(vector=(0.5,) * 12),)),), (2.0,)),
    Traverse(3, classes=(0, 1)),
    Traverse("category", points=(Point((3, 4)), Point((Kept(vector=(0.5,) * 12),)))),
    Traverse("code1"),
    Truncation(n=3),
    Walk(frames=5, classes=(2, 0)),
    RealVsFake(n=3),
]
REAL = np.arange(10 * 12, dtype=np.uint8).reshape(10, 1, 12, 1)


def shown(request: Experiment, prior: Prior = PLAIN, points: bool = False) -> tuple[Figure | Animation, Echo]:
    echo = Echo(prior.z_dim, points)
    real = REAL[:, 0, :2, 0].astype(np.float32) if points else REAL
    return show(request, [Model(echo, prior, "echo")], real), echo


def grid(request: Experiment, prior: Prior = PLAIN) -> ImageGrid:
    figure, _ = shown(request, prior)
    assert isinstance(figure, Figure)
    part = figure.groups[0][0]
    assert isinstance(part, ImageGrid)
    return part


def arrays(made: Figure | Animation) -> list[np.ndarray]:
    if isinstance(made, Animation):
        return list(made.sequences)
    return [part.xy if isinstance(part, ScatterPlot) else part.pictures for group in made.groups for part in group]


def test_every_kind_is_tried() -> None:
    needs_styles = {Mixing}  # in test_lab_styles.py
    assert {type(request) for request in EVERY} == set(EXPERIMENTS.values()) - needs_styles


@pytest.mark.parametrize("request_", EVERY, ids=lambda r: type(r).__name__)
def test_codes_stay_valid_and_nothing_but_the_request_matters(request_: Experiment) -> None:
    first, echo = shown(request_, CODED)
    codes = echo.seen()[:, CODED.noise :]
    one_hot, continuous = codes[:, :3], codes[:, 3:]
    vector = one_hot.eq(0.5).all(dim=1)  # a literal vector is taken as it is
    assert (one_hot[~vector].sum(dim=1) == 1).all()
    assert set(one_hot[~vector].unique().tolist()) <= {0.0, 1.0}
    assert continuous.abs().max() <= 1.09
    torch.manual_seed(123)
    again, _ = shown(request_, CODED)
    for a, b in zip(arrays(first), arrays(again), strict=True):
        assert np.array_equal(a, b, equal_nan=True)


@pytest.mark.parametrize(
    "request_", [r for r in EVERY if not getattr(r, "classes", ())], ids=lambda r: type(r).__name__
)
def test_the_points_of_a_toy_take_the_place_of_pictures(request_: Experiment) -> None:
    if isinstance(request_, Traverse):
        request_ = replace(request_, dimension=1)
    if isinstance(request_, Picture):
        request_ = replace(request_, dimensions=(2, 1))
    made, _ = shown(request_, points=True)
    for array in arrays(made):
        assert array.shape[1:] == (2,)
    labels = [
        label for group in getattr(made, "groups", ()) for part in group for label in getattr(part, "row_labels", ())
    ]
    for words in (made.title, *labels):
        sheet = r"(?i)\b(pictures?|images?|rows?|from left to right|above)\b"
        assert not re.search(sheet, words), "they lie in a plane"


def test_the_class_that_is_asked_for_is_made() -> None:
    for request in EVERY:
        classes = getattr(request, "classes", ())
        if classes:
            _, echo = shown(request, CODED)
            made = echo.seen()[:, CODED.noise : -2].argmax(dim=1)
            assert set(made.tolist()) == set(classes), type(request)
        with pytest.raises(ConfigError, match="no class 3: this generator has classes 0 to 2"):
            shown(replace(request, classes=(3,)), CODED)  # type: ignore[type-var]
        if not isinstance(getattr(request, "dimension", 0), str):
            with pytest.raises(ConfigError, match="this generator has no classes"):
                shown(replace(request, classes=(0,)), PLAIN)  # type: ignore[type-var]


def test_a_traverse_is_one_batch_in_which_a_row_differs_in_one_number() -> None:
    request = Traverse(5, means=tuple(np.linspace(-1, 1, 10)), quantiles=8)
    _, echo = shown(request)
    assert [len(batch) for batch in echo.batches] == [80]
    z = echo.seen().reshape(10, 8, 12)
    assert (z != z[:, :1]).any(dim=0).any(dim=0).tolist() == [number == 5 for number in range(12)]
    assert z[0, :, 5].tolist() == pytest.approx(latents.quantiles(8))
    base = latents.from_seeds(replace(PLAIN, mean=-1.0, std=0.4), [0])[0]
    others = [number for number in range(12) if number != 5]
    assert torch.equal(z[0, 0, others], base[others])
    part = grid(request)
    assert part.column_labels[0] == "-1.08"
    assert part.row_labels[0] == "mean -1"
    assert part.columns == 8


def test_a_traverse_over_codes_and_categories() -> None:
    _, echo = shown(Traverse("code2", means=(0.0,), quantiles=5), CODED)
    assert echo.seen()[:, 11].tolist() == pytest.approx([-1, -0.5, 0, 0.5, 1])
    _, echo = shown(Traverse(11, means=(0.0,), values=(0.25,)), CODED)
    assert echo.seen()[:, 11].tolist() == [0.25]
    _, echo = shown(Traverse("category", means=(0.0, 1.0)), CODED)
    assert echo.seen()[:, 7:10].argmax(dim=1).tolist() == [0, 1, 2, 0, 1, 2]
    assert grid(Traverse("category"), CODED).column_labels == ("0", "1", "2")


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Traverse(12), "no dimension 12: this generator's latents have 0 to 11"),
        (Traverse(-1), "no dimension -1"),
        (Traverse(8), "one of the category's"),
        (Traverse("code3"), "did you mean"),
        (Traverse("category", values=(1.0,)), "no values in between"),
        (
            Traverse(points=(Point((Kept("x", vector=(1.0,)),)),)),
            "'x' has 1 numbers, and this generator's latents have 12",
        ),
        (Walk((Point(("smiling",)), Point((1,)))), "no latent named 'smiling'"),
        (RealVsFake(n=11), "11 real pictures are asked for, and there are 10"),
    ],
)
def test_what_a_generator_cannot_do_is_refused(request_: Experiment, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        shown(request_, CODED)


def test_a_seed_is_the_same_latent_in_every_request() -> None:
    z = latents.from_seeds(replace(PLAIN, mean=0.1, std=0.5), [7])
    for request in (
        Sample(1, 0.1, 0.5, 7),
        Truncation((0.5,), 1, 7, 0.1),
        Traverse(0, (0.1,), values=(z[0, 0].item(),), std=0.5, seed=7),
        RealVsFake(1, 0.1, 0.5, 7),
        Arithmetic(points=(Point((7,)), Point((7,))), mean=0.1, std=0.5),
        Walk((Point((7,)), Point((7,))), frames=1, mean=0.1, std=0.5),
        Arithmetic(points=(Point((Kept("it", (7,), 0.1, 0.5),)), Point((1,)))),
        Average((0.1,), 0.5, 1, 7),
    ):
        _, echo = shown(request)
        torch.testing.assert_close(echo.seen()[:1], z)


@pytest.mark.parametrize(
    ("operation", "by_hand"), [("a+b", torch.add), ("abs(a-b)", lambda a, b: (a - b).abs()), ("a*b", torch.mul)]
)
def test_arithmetic_is_of_the_noise_and_takes_the_codes_of_the_first(operation: str, by_hand: object) -> None:
    a, b = latents.from_seeds(CODED, [0, 1])
    _, echo = shown(Arithmetic(operation), CODED)  # type: ignore[arg-type]
    first, second, result = echo.seen()
    assert torch.equal(first, a)
    assert torch.equal(second, b)
    assert torch.equal(result[:7], by_hand(a[:7], b[:7]))  # type: ignore[operator]
    assert torch.equal(result[7:], a[7:])


def test_averaged_exemplars_are_shown_above_their_average_and_the_result_amid_its_neighbours() -> None:
    kept = Kept("smiling", (4, 5, 6), 0.0, 0.05)
    request = Arithmetic("a-b+c", (Point((1, 2)), Point((3,)), Point((kept,))), std=0.05, jitter=0.125)
    figure, _ = shown(request)
    assert isinstance(figure, Figure)
    left, right = (part.pictures for part in figure.groups[0] if isinstance(part, ImageGrid))
    small = replace(PLAIN, std=0.05)
    z = {seed: latents.from_seeds(small, [seed]) for seed in range(1, 7)}
    a, b, c = (z[1] + z[2]) / 2, z[3], (z[4] + z[5] + z[6]) / 3

    def pixels(z: Tensor) -> np.ndarray:
        return render(Echo(), z)[0]

    table = left.reshape(4, 3, 1, 12, 1)
    for row, column, expected in [
        (0, 0, z[1]),
        (1, 0, z[2]),
        (0, 1, z[3]),
        (2, 2, z[6]),
        (3, 0, a),
        (3, 1, b),
        (3, 2, c),
    ]:
        assert np.array_equal(table[row, column], pixels(expected))
    assert (table[1, 1] == 255).all(), "b has one exemplar: the places below it are blank"
    assert np.abs(right[4].astype(int) - pixels(a - b + c)).max() <= 1
    gaps = np.abs(right.astype(int) - right[4]).max(axis=(1, 2, 3))
    assert (gaps[[0, 1, 2, 3, 5, 6, 7, 8]] > 0).all()
    assert gaps.max() <= 0.125 * 127.5 + 1


def test_the_average_before_and_after_the_generator() -> None:
    z = latents.from_seeds(replace(PLAIN, mean=0.2, std=0.1), range(4))
    part = grid(Average((0.2,), 0.1, 4))
    assert part.columns == 1
    expected = render(Echo(), z.mean(dim=0, keepdim=True))[0]
    for picture in part.pictures:  # this generator is linear: the two are one
        assert np.abs(picture.astype(int) - expected).max() <= 1


def test_the_distribution_of_a_linear_generator_is_that_of_its_latents() -> None:
    flat, _ = shown(Distribution((-0.2, 0.2), 0.05, 30))
    assert isinstance(flat, Figure)
    scatter = flat.groups[0][0]
    assert isinstance(scatter, ScatterPlot)
    middles = [scatter.xy[scatter.group == number].mean(axis=0) for number in (0, 1)]
    apart = abs(middles[0] - middles[1])
    assert apart[0] == pytest.approx(0.4 * 12**0.5, rel=0.02), "the means differ most: along (1, 1, ..., 1)"
    assert apart[1] < 0.05
    same, _ = shown(Distribution((-0.2, 0.2), 0.05, 30, of="latents"))
    assert isinstance(same, Figure)
    np.testing.assert_allclose(arrays(same)[0], scatter.xy, atol=1e-5)


def test_a_walk_goes_through_its_points() -> None:
    animation, echo = shown(Walk((Point((1,)), Point((2,)), Point((3, 4))), frames=4, loop=False))
    assert isinstance(animation, Animation)
    z = latents.from_seeds(PLAIN, [1, 2, 3, 4])
    torch.testing.assert_close(echo.seen()[[0, 4, 8]], torch.stack([z[0], z[1], (z[2] + z[3]) / 2]))
    assert animation.sequences[0].shape == (9, 1, 12, 1)
    assert animation.waypoints == ("seed 1", "seed 2", "mean of 3, 4")
    animation, echo = shown(Walk(frames=4))
    assert len(echo.seen()) == 16
    assert isinstance(animation, Animation)
    assert animation.waypoints[-1] == animation.waypoints[0]


def test_real_pictures_are_chosen_by_the_seed_and_those_of_another_size_are_refused() -> None:
    part = grid(RealVsFake(4, seed=3))
    rows = {bytes(row) for row in part.pictures[:4]}
    assert len(rows) == 4
    assert rows <= {bytes(row) for row in REAL}
    assert rows != {bytes(row) for row in grid(RealVsFake(4, seed=4)).pictures[:4]}
    with pytest.raises(ConfigError, match="pictures of small are 1x5x1, and the real ones are 1x12x1"):
        show(RealVsFake(2), [Model(Echo(5), Prior(5), "small")], REAL)
    with pytest.raises(ConfigError, match="no data are given"):
        show(RealVsFake(2), [Model(Echo(), PLAIN)])


def test_several_models_show_the_same_request() -> None:
    models = [Model(Echo(), PLAIN, "one"), Model(Echo(), PLAIN, "two")]
    figure = show(Truncation(n=2), models)
    assert isinstance(figure, Figure)
    (one,), (two,) = figure.groups
    assert isinstance(one, ImageGrid)
    assert isinstance(two, ImageGrid)
    assert (one.heading, two.heading) == ("one", "two")
    assert np.array_equal(one.pictures, two.pictures)


def test_samples_of_several_means_and_stds_are_those_of_each() -> None:
    several = Sample(3, (0.0, 0.5), (0.1, 1.0), 4)
    alone = [Sample(3, mean, std, 4).latents(PLAIN) for std in (0.1, 1.0) for mean in (0.0, 0.5)]
    assert torch.equal(several.latents(PLAIN), torch.cat(alone))
    figure, _ = shown(several)
    assert isinstance(figure, Figure)
    headings = [part.heading for part in figure.groups[0]]
    assert headings[1] == "echo, mean 0.5, std 0.1"


def test_generating_leaves_the_mode_of_training_alone() -> None:
    echo = Echo().train()
    generate(echo, torch.zeros(3, 12))
    assert echo.training


def test_a_picture_sets_dimensions_and_then_moves_along_directions() -> None:
    direction = Kept(vector=(3.0, 4.0, *[0.0] * 10))
    _, echo = shown(Picture((Point((7,)),)))
    before = echo.seen()
    changed = Picture((Point((7,)),), (0, 5), (0.5, -2.0), (Point((direction,)),), (10.0,))
    _, echo = shown(changed)
    wanted = before.clone()
    wanted[:, 5] = -2.0
    wanted[:, 0], wanted[:, 1] = 0.5 + 6.0, before[:, 1] + 8.0
    assert torch.allclose(echo.seen(), wanted, atol=1e-5)


def test_what_a_picture_cannot_change() -> None:
    with pytest.raises(ConfigError, match="2 dimensions and 1 values are given"):
        Picture(dimensions=(1, 2), values=(0.5,))
    with pytest.raises(ConfigError, match="There is no dimension 99"):
        shown(Picture(dimensions=(99,), values=(0.5,)))
    with pytest.raises(ConfigError, match="no linear layer"):
        shown(Picture(directions=(Point(("sefa1",)),), steps=(1.0,)))
