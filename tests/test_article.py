"""The anime article's pictures for one's own run: complete, and each made alone by the command below it."""

from __future__ import annotations

import re
import shlex
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import run_command as run
from ganache.lab.article import DIMENSIONS, plates
from ganache.lab.experiments import Arithmetic, RealVsFake, Sample, Traverse
from ganache.lab.points import Point
from ganache.lab.serialisation import command, from_json
from pages import Page

TRAIN = ["train", "faces", "--size", "16", "--batch", "4", "--network.width", "4", "--network.z-dim", "6"]
BRIEF = ["--data.count", "30", "--record.samples", "4", "--steps", "2", "--record.keep_steps", "1"]
BRIEF += ["--projected.weight", "0"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(the run, the folder of its article)"""
    folder = tmp_path_factory.mktemp("article")
    assert run(*TRAIN, *BRIEF, "--out", str(folder / "mine")) == 0
    assert run("article", f"{folder / 'mine'}@1", "--second", "2", "--data", "faces", "-o", str(folder / "page")) == 0
    return folder / "mine", folder / "page"


def test_all_of_the_articles_images_are_there() -> None:
    every = plates(noise=100)
    assert len({plate.name for plate in every}) == len(every)
    shown: set[int] = set()
    for plate in every:
        numbers = re.match(r"Images? ([\d ]+)(?:to|and)?([\d ]*)", plate.images)
        assert numbers
        first, last = numbers[1], numbers[2] or numbers[1]
        shown |= set(range(int(first), int(last) + 1)) if " to " in plate.images else {int(first), int(last)}
        assert plate.reported
        assert plate.look_for
    assert shown == {0, *range(5, 24)}


def test_the_settings_are_the_articles() -> None:
    requests = [plate.request for plate in plates(noise=100)]
    assert {r.settings()[0] for r in requests if isinstance(r, Sample)} == {(0, 1), (0, 0.4), (-0.3, 0.4), (0.3, 0.4)}
    assert [r.dimension for r in requests if isinstance(r, Traverse)] == list(DIMENSIONS)
    assert [r.operation for r in requests if isinstance(r, Arithmetic)] == ["a+b", "abs(a-b)", "a*b"]
    assert [(r.n, r.mean, r.std) for r in requests if isinstance(r, RealVsFake)] == [(8, 0, 1)]


@pytest.mark.parametrize(
    ("noise", "wanted"), [(64, [28, 5, 11]), (12, [10, 5, 11]), (6, [4, 5, 3]), (2, [1, 0]), (1, [0])]
)
def test_a_run_with_fewer_dimensions_shows_others(noise: int, wanted: list[int]) -> None:
    requests = [plate.request for plate in plates(noise)]
    assert [request.dimension for request in requests if isinstance(request, Traverse)] == wanted


def test_the_page_has_every_picture_and_needs_nothing_else(made: tuple[Path, Path]) -> None:
    _, folder = made
    text = (folder / "index.html").read_text()
    pictures = re.findall(r'<img src="([^"]+)"', text)
    assert sorted(pictures) == sorted(path.name for path in folder.glob("*.png"))
    assert len(pictures) == len(plates(6)) == text.count("<section")
    assert "Model A is mine, step 1 and Model B is mine, step 2" in text
    assert "://" not in text
    page = Page(beside=tuple(pictures))
    page.feed(text)
    assert page.open == []
    for path in folder.glob("*.json"):
        from_json(path.read_text())


def test_each_command_makes_its_picture(
    made: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, folder = made
    monkeypatch.chdir(tmp_path)
    for line in re.findall(r"<pre[^>]*>(.*?)</pre>", (folder / "index.html").read_text()):
        program, *words = shlex.split(unescape(line))
        assert program == "ganache"
        assert run(*words) == 0
        with Image.open(words[-1]) as alone, Image.open(folder / words[-1]) as there:
            assert np.array_equal(np.asarray(alone), np.asarray(there)), line


def test_a_command_says_only_what_is_not_usual() -> None:
    assert command(Traverse(28), ["mine"]) == ["ganache", "traverse", "mine", "--dimension", "28"]
    several = Arithmetic("a*b", (Point((3, "smiling")), Point((1,))))
    assert command(several, ["a", "b@2"]) == shlex.split(
        "ganache arithmetic a b@2 --operation a*b --points 3,smiling 1"
    )


def test_refusals(made: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine, folder = made
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<h1>My own page</h1>")
    (tmp_path / "file").write_text("")
    for words, said in [
        ((str(mine), "--out", str(tmp_path / "site")), "was not made by ganache"),
        ((str(mine), "--out", str(tmp_path / "file")), "is a file, and the article's figures need a folder"),
        ((str(mine), "--second", "77", "--out", str(tmp_path / "new")), "no checkpoint '77'"),
        ((str(mine), "--second", "nowhere", "--out", str(tmp_path / "new")), "not a run with a checkpoint"),
        ((str(mine), "--data", "facs", "--out", str(tmp_path / "new")), "did you mean 'faces'?"),
        (("nowhere", "--out", str(tmp_path / "new")), "not a run with a checkpoint"),
    ]:
        capsys.readouterr()
        assert run("article", *words) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
        assert not (tmp_path / "new").exists()
    assert run("article", str(mine), "--out", str(folder)) == 0, "its own page is made anew"
