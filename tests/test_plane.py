"""Figures of points: real and generated ones on axes that the data fix, so that a collapse looks like one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganache.cli.train import default_recipe, parse_train
from ganache.data import TOYS, load
from ganache.figures import Panel, Plane, comparison, draw, draw_plane, picture, save_figure
from ganache.figures.plane import GENERATED, draw_cloud, one_by_one
from ganache.lab.figure import Animation, Figure, ImageGrid, ScatterPlot
from ganache.networks import Mlp
from ganache.runs.diagnose import findings
from ganache.runs.points import count_modes, critic_field, describe_modes, picture_of_points
from ganache.runs.probe import Probe
from ganache.types import Prior

REAL = TOYS["ring8"].sample(2_000)[0]
GOOD = TOYS["ring8"].sample(300, seed=1)[0]
COLLAPSED = (GOOD * 0.02 + TOYS["ring8"].centres[1]).astype(np.float32)  # type: ignore[index]
FAR = COLLAPSED + np.float32(40)


def grid(points: np.ndarray) -> Image.Image:
    return draw(Figure("Samples.", ((ImageGrid(points, 20),),), real=REAL))


def scatter(points: np.ndarray) -> Image.Image:
    plot = ScatterPlot(points.astype(float), np.zeros(len(points), int), ("mean 0",), ("x", "y"))
    return draw(Figure("A map.", ((plot,),), real=REAL))


def walk(points: np.ndarray, folder: Path) -> Image.Image:
    save_figure(Animation("A walk.", (points[:20],), ("one",), ("a", "b"), 20, 10, REAL), folder / "walk.png")
    return Image.open(folder / "walk.png").convert("RGB")


def panel(points: np.ndarray, folder: Path) -> Image.Image:
    comparison([Panel("run", points, {}, REAL)], folder / "compare.png")
    return Image.open(folder / "compare.png").convert("RGB")


DRAWN = {
    "samples of a training": lambda points, folder: picture(points, real=REAL),
    "a grid": lambda points, folder: grid(points),
    "a map": lambda points, folder: scatter(points),
    "a walk": walk,
    "a comparison": panel,
    "the page's cloud": lambda points, folder: Image.fromarray(draw_cloud(Plane.of(REAL, points), points, 320)),
}


def coloured(image: Image.Image) -> np.ndarray:
    """Where a picture has strong colours, which neither real points nor axes have: [H, W]."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    return pixels.max(axis=2) - pixels.min(axis=2) > 60


@pytest.mark.parametrize("kind", DRAWN)
def test_a_collapse_looks_like_one_on_the_same_axes(kind: str, tmp_path: Path) -> None:
    good, collapsed = (coloured(DRAWN[kind](points, tmp_path)) for points in (GOOD, COLLAPSED))
    assert (good & ~collapsed).sum() > 4 * (collapsed & ~good).sum() + 50
    here = np.asarray(DRAWN[kind](COLLAPSED, tmp_path).convert("L")).astype(int)
    there = np.asarray(DRAWN[kind](GOOD, tmp_path).convert("L")).astype(int)
    assert here.shape == there.shape, "axes, legend and size are those of the data"
    assert (here < 160).sum() > 100, "the real points are seen where nothing is generated"


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize("points", [FAR, FAR * np.float32(np.nan), np.zeros((20, 2), np.float32)], ids=str)
def test_points_anywhere_leave_the_axes_where_the_data_are(kind: str, points: np.ndarray, tmp_path: Path) -> None:
    drawn = DRAWN[kind](points, tmp_path)
    assert drawn.width > 300
    if np.isfinite(points).all():
        assert coloured(drawn).sum() > 5, "points outside are drawn at the border"


def test_the_picture_says_what_is_in_it() -> None:
    plane = Plane.of(REAL, GOOD)
    assert plane.half == pytest.approx(1.08, abs=0.05)
    assert draw_plane(plane, GOOD).height < draw_plane(plane, GOOD, below="8 of 8 modes found.").height
    assert draw_plane(plane, FAR).height > draw_plane(plane, GOOD).height, "a line counts the points outside"
    alone = Plane.of(None, GOOD)
    assert len(alone.real) == 0
    assert abs(alone.half - plane.half) < 0.1
    assert coloured(draw_plane(alone, GOOD)).sum() > 100


def test_one_point_is_marked_among_the_others() -> None:
    plane = Plane.of(REAL, GOOD)
    cloud = draw_cloud(plane, GOOD, 128)
    before = cloud.copy()
    made = one_by_one(cloud, plane, np.array([[0.8, 0], [-0.8, 0], [99, 0], [np.nan, 0]], np.float32))
    assert made.shape == (4, 128, 128, 3)
    assert (cloud == before).all()
    centres = [np.argwhere((each < 40).all(axis=2)).mean(axis=0) for each in made[:3]]
    (y, x), (_, left), (_, border) = centres
    assert left < 30 < 90 < x < border
    assert 60 < y < 68
    assert (made[3] == cloud).all(), "a point that is not finite has no place"


def test_the_modes_are_counted_by_a_fixed_rule() -> None:
    assert count_modes("ring8", REAL) == (8, 8, pytest.approx(0.989, abs=0.01))
    assert describe_modes("ring8", COLLAPSED) == "1 of 8 modes found; 100 % of the generated points are near one."
    assert count_modes("swissroll", REAL) is None
    assert describe_modes("swissroll", REAL) == ""


def test_a_run_draws_real_and_generated_points_and_the_field_of_its_critic() -> None:
    torch.manual_seed(0)
    data, network = load("ring8", count=500), Mlp(z_dim=2, hidden=16, layers=2)
    generator, critic = network.generator((2,)), network.critic((2,))
    critic.train()
    first, again = (picture_of_points(generator, critic, Prior(2), data) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    assert critic.training
    field = critic_field(critic, Plane.of(data.images, data.images))
    assert field is not None
    assert np.ptp(field) > 0
    other = replace(network, hidden=8).critic((2,))
    assert picture_of_points(generator, other, Prior(2), data).tobytes() != first.tobytes()
    assert tuple(np.asarray(first)[-1, -1]) == (255, 255, 255)
    assert GENERATED


@pytest.mark.parametrize(
    ("words", "recipe"),
    [
        (("ring8",), "points"),
        (("--steps", "5", "grid25"), "points"),
        (("--force", "swissroll", "--data.flip", "False"), "points"),
        (("--data.flip=False", "lines"), "points"),
        (("faces",), "faces"),
        (("pictures.zip", "--out", "ring8"), "faces"),
        (("--seed", "3"), "faces"),
    ],
)
def test_points_are_trained_with_their_own_recipe_if_none_is_named(words: tuple[str, ...], recipe: str) -> None:
    assert default_recipe(words) == recipe


def test_a_named_recipe_is_taken_on_points_too() -> None:
    (request,) = parse_train(["ring8", "--network.hidden", "8"])
    assert (request.config.recipe, request.config.network.hidden) == ("points", 8)  # type: ignore[attr-defined]
    (request,) = parse_train(["ring8", "--recipe", "gan-mlp"])
    assert request.config.recipe == "gan-mlp"


def findings_with(modes: float, nearest_ratio: float) -> list[str]:
    """The kinds of findings on a run whose probes all have these numbers."""
    probe = Probe(100, 1.0, 0, 1.0, 1.0, 1_000, 0.5, None, score=0.05, blank_score=0.5, variety=0.99)
    probe = replace(probe, coverage=0.6, precision=0.9, modes_found=modes, nearest_ratio=nearest_ratio)
    numbers = {"images": 1, "seconds": 1.0, "images_per_second": 1.0, "d_gradient_norm": 1.0, "g_gradient_norm": 1.0}
    steps = range(100, 3_000, 100)
    weights = {step: {"step": step, "g_weights": 1 + step / 1e4, "d_weights": 1 + step / 1e4} for step in steps}
    log = [
        {**numbers, "step": step, "d": {"a": 0.7}, "g": {"a": 0.7}, "probe": probe.to_json() | weights[step]}
        for step in steps
    ]
    return [finding.sentence for finding in findings(log)]


def test_known_modes_tell_whether_some_are_missing() -> None:
    assert findings_with(1.0, 0.15) == [], "points lie close together where the modes are narrow"
    assert findings_with(0.5, 2.0) == ["Partial mode collapse: modes of the data are never generated."]
