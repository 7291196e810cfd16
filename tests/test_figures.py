"""Drawn figures: images in their places without interpolation, captions that can be read, files that play."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganache.errors import ConfigError, MissingExtra
from ganache.figures import draw, save_figure
from ganache.figures.curves import draw_curves
from ganache.figures.figure import enlargement
from ganache.figures.scatter import spread_out, thumbnail
from ganache.figures.text import text_width, wrap
from ganache.lab.figure import Animation, Figure, ImageGrid, ScatterPlot, blank

RNG = np.random.default_rng(0)


def noise(n: int, side: int = 16, channels: int = 3) -> np.ndarray:
    return RNG.integers(0, 255, (n, side, side, channels), dtype=np.uint8)


def find(whole: np.ndarray, part: np.ndarray) -> list[tuple[int, int]]:
    """Where `part` lies in `whole`, exactly."""
    corner = np.argwhere((whole[: -len(part) + 1, : -part.shape[1] + 1] == part[0, 0]).all(axis=2))
    return [
        (int(y), int(x)) for y, x in corner if np.array_equal(whole[y : y + len(part), x : x + part.shape[1]], part)
    ]


@pytest.mark.parametrize("channels", [1, 3])
def test_each_picture_lies_in_its_row_and_column_enlarged_by_a_whole_number(channels: int) -> None:
    pictures = noise(6, 16, channels)
    grid = ImageGrid(pictures, 3, ("one", "two", "three"), ("first row", "second row"), "model")
    whole = np.asarray(draw(Figure("A title.", ((grid,),))))
    factor = enlargement(pictures, 3)
    assert factor == 192 // 16
    places = []
    for picture in pictures:
        large = np.broadcast_to(picture, (16, 16, 3)).repeat(factor, axis=0).repeat(factor, axis=1)
        (place,) = find(whole, large)
        places.append(place)
    table = np.array(places).reshape(2, 3, 2)
    assert (table[..., 0] == table[:, :1, 0]).all(), "rows are level"
    assert (table[..., 1] == table[:1, :, 1]).all(), "columns are straight"
    assert (np.diff(table[..., 1], axis=1) == 192 + 2).all()
    captions = whole[table[0, 0, 0] :, 12 : table[0, 0, 1] - 4]
    for row in table[:, 0, 0] - table[0, 0, 0]:
        assert (captions[row : row + 192] < 128).any(), "a caption stands beside each row"


def test_few_columns_are_large_many_small_and_none_shrinks() -> None:
    assert [enlargement(noise(1, 64), columns) for columns in (1, 3, 8, 16)] == [3, 3, 2, 1]
    assert enlargement(noise(1, 300), 20) == 1


def test_captions_are_broken_into_lines_that_fit() -> None:
    lines = wrap("picture of the mean latent", 90, 12)
    assert " ".join(lines) == "picture of the mean latent"
    assert len(lines) > 1
    assert all(text_width(line) <= 91 for line in lines)
    assert "".join(wrap("x" * 64, 60, 12)) == "x" * 64
    assert wrap("", 60, 12) == []


def test_several_models_and_places_without_a_picture() -> None:
    gap = np.concatenate([noise(1), blank(noise(1), 1)])
    groups = tuple((ImageGrid(gap, 2, heading=name),) for name in ("one", "two", "three"))
    one = draw(Figure("One.", groups[:1]))
    three = draw(Figure("Three.", groups))
    assert three.width > one.width
    assert draw(Figure("Three.", groups * 5)).height > three.height


def test_a_scatter_plot_has_thumbnails_in_their_places_that_do_not_cover_one_another() -> None:
    xy = RNG.normal(size=(200, 2))
    pictures = noise(200, 32)
    scatter = ScatterPlot(xy, np.arange(200) // 100, ("mean 0", "mean 1"), ("x", "y"), pictures, "model")
    whole = np.asarray(draw(Figure("Where they fall.", ((scatter,),))))
    places = [place for picture in pictures for place in find(whole, np.asarray(thumbnail(picture)))]
    assert len(places) > 10
    for number, (y, x) in enumerate(places):
        for v, u in places[number + 1 :]:
            assert max(abs(y - v), abs(x - u)) >= 64
    at = RNG.uniform(0, 500, (300, 2))
    chosen = spread_out(at, 80)
    gaps = np.abs(at[chosen][:, None] - at[chosen][None]).max(axis=2)
    assert gaps[~np.eye(len(chosen), dtype=bool)].min() >= 80
    assert np.abs(at[:, None] - at[chosen][None]).max(axis=2).min(axis=1).max() < 80, "there is no room for more"
    assert spread_out(np.zeros((5, 2)), 80) == [0]


def test_points_of_toys_are_drawn() -> None:
    points = RNG.normal(size=(6, 2)).astype(np.float32)
    points[4] = np.nan
    for colours, joined in (("rows", True), ("columns", False)):
        grid = ImageGrid(points, 3, ("a", "b", "c"), ("one", "two"), "toy", joined, colours)  # type: ignore[arg-type]
        drawn = np.asarray(draw(Figure("Points.", ((grid,),))))
        coloured = (drawn.max(axis=2).astype(int) - drawn.min(axis=2)) > 60
        assert coloured.sum() > 100
    scatter = ScatterPlot(points[:4].astype(float), np.zeros(4, int), ("mean 0",), ("x", "y"))
    assert draw(Figure("Points.", ((scatter,),))).width > 600
    same = ImageGrid(np.zeros((4, 2), np.float32), 4)
    assert draw(Figure("One point.", ((same,),))).width > 300


def animation(points: bool = False) -> Animation:
    reel = RNG.normal(size=(8, 2)).astype(np.float32) if points else noise(8)
    return Animation("A walk.", (reel, reel[::-1]), ("one", "two"), ("seed 0", "seed 1", "seed 0"), 4, 10)


@pytest.mark.parametrize("points", [False, True])
def test_animations_play(points: bool, tmp_path: Path) -> None:
    moving = animation(points)
    for name in ("walk.webp", "walk.gif"):
        save_figure(moving, tmp_path / name)
        with Image.open(tmp_path / name) as opened:
            assert opened.n_frames == 8
            assert opened.width % 2 == opened.height % 2 == 0
            opened.seek(5)
            frame = np.asarray(opened.convert("RGB")).copy()
        if not points and name.endswith("webp"):
            for reel in moving.sequences:
                large = reel[5].repeat(16, axis=0).repeat(16, axis=1)
                assert len(find(frame, large)) == 1
    save_figure(moving, tmp_path / "walk.png")
    with Image.open(tmp_path / "walk.png") as opened:
        assert getattr(opened, "n_frames", 1) == 1


def test_an_mp4_needs_a_library_and_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setitem(__import__("sys").modules, "av", None)
        with pytest.raises(MissingExtra, match=r"ganache\[video\]"):
            save_figure(animation(), tmp_path / "walk.mp4")
        assert not (tmp_path / "walk.mp4").exists()
    av = pytest.importorskip("av")
    save_figure(animation(), tmp_path / "walk.mp4")
    with av.open(str(tmp_path / "walk.mp4")) as opened:
        assert len(list(opened.decode(video=0))) == 8


def test_a_picture_that_its_kind_of_file_cannot_hold_is_refused(tmp_path: Path) -> None:
    wide = Figure("Wide.", ((ImageGrid(noise(300, 64, 1), 300),),))
    with pytest.raises(ConfigError, match=r"more than .webp can store \(16383\): end its name in .png"):
        save_figure(wide, tmp_path / "wide.webp")
    save_figure(wide, tmp_path / "wide.png")
    assert [file.name for file in tmp_path.iterdir()] == ["wide.png"]


def test_curves_are_smoothed_with_the_values_behind_and_no_first_value_flattens_them() -> None:
    from matplotlib.figure import Figure as Drawing

    wave = [(step, 2.0 + step % 2) for step in range(100)]
    cases = {
        "linear": (wave, (1.9, 3.1)),
        "log": ([(0, 5_000.0), *wave[1:]], None),
        "cut": ([(0, -5_000.0), *wave[1:]], (1.95, 3.05)),
    }
    for curve, limits in cases.values():
        axes = Drawing().subplots()
        draw_curves(axes, {"loss $x": curve})
        smooth, raw = axes.lines
        assert list(raw.get_ydata()) == [value for _, value in curve]
        assert np.ptp(smooth.get_ydata()[20:80]) < 0.3
        assert raw.get_alpha() < 0.5 < smooth.get_linewidth()
        assert axes.get_yscale() == ("linear" if limits else "log")
        assert limits is None or axes.get_ylim() == pytest.approx(limits, abs=0.06)
    axes = Drawing().subplots()
    draw_curves(axes, {"few": wave[:5]})
    assert len(axes.lines) == 1, "too few to smooth"
