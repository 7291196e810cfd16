"""Runs on labelled data: written characters are not mirrored by a recipe, and earlier runs keep their labels."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

import corpus
from conftest import run_command
from ganache.figures.text import font

SMALL = ("--batch", "4", "--size", "16", "--network.width", "4", "--record.samples", "4")


def settings(run: str) -> dict[str, object]:
    content = json.loads(Path(run, "config.json").read_text())
    return content["data"]  # type: ignore[no-any-return]


def test_a_recipe_does_not_mirror_digits(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GANACHE_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    pictures = np.random.default_rng(0).integers(0, 256, (20, 16, 16), dtype=np.uint8)
    Path("set").mkdir()
    Path("set/train-images-idx3-ubyte").write_bytes(struct.pack(">4I", 0x803, *pictures.shape) + pictures.tobytes())
    assert run_command("train", "set", *SMALL, "--steps", "1") == 0
    assert settings("runs/set-faces")["flip"] is False
    assert "written characters, so they are not mirrored" in capsys.readouterr().err
    assert run_command("train", "set", *SMALL, "--steps", "2") == 0, "the same command continues it"

    assert run_command("train", "set", *SMALL, "--steps", "1", "--data.flip", "True", "--out", "asked") == 0
    assert settings("asked")["flip"] is True
    assert run_command("train", "set", *SMALL, "--steps", "2", "--out", "asked") == 0
    assert settings("asked")["flip"] is True, "a run that was started with mirrored characters goes on with them"


@pytest.mark.slow
def test_a_recipe_does_not_mirror_writing_that_nothing_but_its_pictures_tell(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GANACHE_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    pages = tmp_path / "pages"
    pages.mkdir()
    random = np.random.default_rng(0)
    for number in range(220):
        page = Image.new("RGB", (32, 32), "white")
        word = "".join(random.choice([*"BCDEFGJKLNPQRSZ"], 2))
        ImageDraw.Draw(page).text((2, 2 + number % 5), word, "black", font(20, bold=True))
        page.save(pages / f"{number}.png")
    assert run_command("train", "pages", *SMALL, "--steps", "1") == 0
    assert "pages know left from right" in capsys.readouterr().err
    assert settings("runs/pages-faces")["flip"] is False
    assert run_command("train", "pages", *SMALL, "--steps", "2") == 0, "the same command continues it"
    assert "were not mirrored when the run began" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_from_before_folders_had_a_meaning_goes_on_with_its_labels(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GANACHE_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    data = corpus.encoded(corpus.RGB, "PNG")
    corpus.write(Path("set"), {f"{part}/{c}/{i}.png": data for part in ("train", "test") for c in "abc" for i in "12"})
    assert run_command("train", "set", *SMALL, "--data.classes", "2") == 2
    assert "use --data.classes 3, or --data.labels folders." in capsys.readouterr().err
    assert run_command("train", "set", *SMALL, "--steps", "1", "--data.labels", "folders", "--data.classes", "2") == 0
    content = json.loads(Path("runs/set-faces/config.json").read_text())
    del content["data"]["labels"]
    Path("runs/set-faces/config.json").write_text(json.dumps(content))
    assert run_command("train", "set", *SMALL, "--steps", "2", "--data.classes", "2") == 0
    assert settings("runs/set-faces")["labels"] == "folders"


@pytest.mark.slow
def test_names_of_runs_are_never_too_long_or_empty(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANACHE_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    data = corpus.encoded(corpus.RGB, "PNG")
    for name in ("x" * 250, "🙂", "new\nline"):
        corpus.write(Path(name), {"1.png": data, "2.png": data, "3.png": data, "4.png": data})
        assert run_command("train", f"./{name}", *SMALL, "--steps", "1") == 0
    assert {each.name for each in Path("runs").iterdir()} == {
        f"{name}-faces" for name in ("x" * 60, "data", "new-line")
    }


@pytest.mark.slow
def test_names_of_classes_that_are_not_utf8_end_no_command(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GANACHE_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    names = ("gr\udcfcn", "new\nline", "\x1b[31m")
    corpus.write(Path("set"), {f"{c}/{i}\udcff.png": corpus.encoded(corpus.RGB, "PNG") for c in names for i in "1234"})
    small = (*SMALL, "--steps", "1")
    assert run_command("train", "set", *small, "--data.classes", "2") == 2, "the names are printed"
    assert run_command("train", "set", *small, "--data.classes", "3") == 0
    assert run_command("sample", "runs/set-faces", "-n", "2", "--classes", "1", "-o", "s.png") == 0
    assert run_command("report", "runs/set-faces") == 0
    assert run_command("doctor", "set", "--json") == 0
