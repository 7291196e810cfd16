"""Commands replace the files that ganache wrote, and no others, whatever their ending."""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from conftest import run_command
from ganache.cli.outputs import check_output
from ganache.core.outputs import MARK, content_is_ours, file_is_ours, npy_header
from ganache.errors import ConfigError

ENDINGS = (".png", ".webp", ".jpg", ".jpeg", ".gif", ".mp4", ".npy", ".zip", ".html", ".onnx")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import ganache

    folder = tmp_path_factory.mktemp("outputs") / "run"
    config = ganache.recipe("dcgan", data="faces", steps=1, batch=4)
    data, network = replace(config.data, size="16", count=200), replace(config.network, width=4, z_dim=40)
    config = replace(config, data=data, network=network)
    run = ganache.Run.open(folder, config)
    for _ in run.training():
        pass
    run.finish()
    return folder


@pytest.fixture(autouse=True)
def in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def photo(path: Path) -> None:
    image = Image.new("RGB", (16, 16), "olive")
    ImageDraw.Draw(image).line((0, 0, 15, 15))
    image.save(path)


def zip_of_our_pictures(path: Path) -> None:
    """A data set of figures: each is ours, and the archive is not."""
    from ganache.core.storage import write_image

    write_image(Image.new("RGB", (8, 8)), Path("ours.png"))
    with zipfile.ZipFile(path, "w") as archive:
        archive.write("ours.png")


THEIRS: dict[str, Callable[[Path], object]] = {
    "a.png": photo,
    "b.webp": photo,
    "c.jpg": photo,
    "d.gif": photo,
    "e.npy": lambda path: np.save(path, np.zeros((4, 8, 8, 3), np.uint8)),
    "long header.npy": lambda path: np.save(path, np.zeros(2, [(f"field {i}", "<f4") for i in range(45)])),
    "f.zip": zip_of_our_pictures,
    "g.html": lambda path: path.write_text("<!doctype html><title>Ganache, made by ganache lovers: recipes</title>"),
    "h.onnx": lambda path: path.write_bytes(b"\x08\x08\x12\x07pytorch ganache"),
    "i.mp4": lambda path: path.write_bytes(struct.pack(">I", 24) + b"ftypisom" + bytes(60)),
    "empty.png": lambda path: path.write_bytes(b""),
    "text.png": lambda path: path.write_text(MARK),
    "folder.png": lambda path: path.mkdir(),
    "link.png": lambda path: (photo(Path("target.png")), path.symlink_to("target.png")),
    "broken.png": lambda path: path.symlink_to("nowhere"),
    "pipe.png": lambda path: os.mkfifo(path),
}


@pytest.mark.parametrize("name", THEIRS)
def test_what_ganache_did_not_write_is_refused(name: str) -> None:
    path = Path(name)
    THEIRS[name](path)
    with pytest.raises(ConfigError, match=r"was not made by ganache|is a folder|cannot be read"):
        check_output(path, ENDINGS)


COMMANDS = {
    "sample RUN -n 4 -o out.png": "out.png",
    "sample RUN -n 4 -o out.jpg": "out.jpg",
    "sample RUN -n 4 -o out.webp": "out.webp",
    "sample RUN -n 4 --plain -o out.png": "out.png",
    "sample RUN -n 4 -o out.npy": "out.npy",
    "sample RUN -n 4 -o out.zip": "out.zip",
    "walk RUN --points 1 2 --frames 2 -o out.webp": "out.webp",
    "walk RUN --points 1 2 --frames 2 -o out.gif": "out.gif",
    "walk RUN --points 1 2 --frames 2 -o out.mp4": "out.mp4",
    "walk RUN --points 1 2 --frames 2 -o out.png": "out.png",
    "invert RUN mine.png --iterations 2 --drawn 4 --starts 1 -o out.png": "out.png",
    "compare RUN -o out.png": "out.png",
    "compare RUN -o out.jpg": "out.jpg",
    "compare RUN -o out.webp": "out.webp",
    "report RUN --no-neighbours -o out.html": "out.html",
    "export RUN --html out.html": "out.html",
    "article RUN -o site": "site/03-mean.png",
}


LONG = {"invert RUN mine.png --iterations 2 --drawn 4 --starts 1 -o out.png", "export RUN --html out.html"}


@pytest.mark.parametrize(
    "words", [words if words not in LONG else pytest.param(words, marks=pytest.mark.slow) for words in COMMANDS]
)
def test_every_command_replaces_its_own_file_and_no_other(
    trained: Path, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if "out.mp4" in words:
        pytest.importorskip("av")
    photo(Path("mine.png"))
    arguments = words.replace("RUN", str(trained)).split()
    out = Path(COMMANDS[words])
    assert run_command(*arguments) == 0
    if not out.exists():
        out = sorted(out.parent.glob("*.png"))[0]
    assert file_is_ours(out)
    assert run_command(*arguments) == 0, "the same command again"
    for path in Path().rglob("*.json"):
        path.unlink()
    out.write_bytes(b"mine")
    capsys.readouterr()
    assert run_command(*arguments) == 2
    assert "was not made by ganache: name another" in capsys.readouterr().err
    assert out.read_bytes() == b"mine"


def test_an_input_is_never_the_output(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command("sample", str(trained), "-n", "1", "--plain", "-o", "one.png") == 0  # ours, so marked
    before = Path("one.png").read_bytes()
    Path("same.png").hardlink_to("one.png")
    for out in ("one.png", "./one.png", "same.png"):
        assert run_command("invert", str(trained), "one.png", "-o", out) == 2
        assert "is read by this command" in capsys.readouterr().err
    assert Path("one.png").read_bytes() == before


def test_a_request_that_the_user_wrote_stays(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = '{"kind": "sample",   "n": 4}'
    Path("mine.json").write_text(mine)
    assert run_command("sample", str(trained), "-n", "9", "-o", "mine.png") == 2
    assert "mine.json is a request without its figure and would be overwritten" in capsys.readouterr().err
    assert run_command("render", str(trained), "mine.json", "-o", "mine.png") == 0
    assert run_command("render", str(trained), "./mine.json", "-o", "mine.png") == 0
    assert Path("mine.json").read_text() == mine
    Path("mine.png").unlink()
    assert run_command("sample", str(trained), "-n", "4", "-o", "mine.npy") == 0, "the same request"
    assert run_command("sample", str(trained), "-n", "9", "-o", "mine.jpg") == 0, "there is a file of this request"
    assert '"n": 9' in Path("mine.json").read_text()


def test_missing_folders_and_endings_are_told_before_any_work(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, said in {
        ("sample", "-o", "nosuch/dir/out.png"): "no folder nosuch/dir",
        ("sample", "-o", "out.tiff"): "must end in",
        ("sample", "-o", ""): "must end in",
        ("export", "--html", "nosuch/m.html"): "no folder nosuch",
        ("compare", "-o", "out.npy"): "must end in",
    }.items():
        assert run_command(words[0], str(trained), *words[1:]) == 2
        assert said in capsys.readouterr().err
    assert not any(Path().iterdir())


def test_several_runs_refuse_before_training(capsys: pytest.CaptureFixture[str]) -> None:
    Path("many").mkdir()
    photo(Path("many/compare.png"))
    assert run_command("train", "ring8", "--recipe", "gan-mlp", "--seeds", "2", "--steps", "1", "--out", "many") == 2
    assert "was not made by ganache" in capsys.readouterr().err
    assert os.listdir("many") == ["compare.png"]


def test_claims_write_into_folders_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pics").mkdir()
    photo(Path("pics/a.png"))
    assert run_command("claims", "dirac", "--quick", "--out", "pics") == 2
    assert "holds files that are no claims" in capsys.readouterr().err
    assert os.listdir("pics") == ["a.png"]


def test_more_samples_than_a_picture_holds_go_to_files(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = ("sample", str(trained), "-n", "10001")
    for out in (("-o", "many.png"), ("-o", "many.png", "--plain"), ()):
        assert run_command(*many, *out) == 2
        assert "a picture holds 10000 samples at most: use -o samples.npy or samples.zip" in capsys.readouterr().err
    assert run_command(*many, "-o", "many.npy") == 0
    assert len(np.load("many.npy", mmap_mode="r")) == 10_001


def test_the_files_of_a_run_are_marked(trained: Path) -> None:
    pictures = [*trained.rglob("*.png"), *trained.rglob("*.webp")]
    assert len(pictures) == 3
    assert all(map(file_is_ours, pictures))


@pytest.mark.parametrize("shape", [(0, 8, 8, 3), (4, 8, 8, 1), (10**9, 2)])
def test_our_arrays_are_read_by_numpy(shape: tuple[int, ...]) -> None:
    path = Path("a.npy")
    path.write_bytes(npy_header("|u1", shape))
    with path.open("rb") as file:
        assert np.lib.format.read_magic(file) == (1, 0)
        assert np.lib.format.read_array_header_1_0(file) == (shape, False, np.dtype("u1"))
        assert file.tell() % 64 == 0
    assert content_is_ours(path.read_bytes())
