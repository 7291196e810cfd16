"""The command line as a user sees it: exit codes, sentences and files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import run_command as run

SMALL = ["--size", "24", "--batch", "4", "--network.width", "4", "--data.count", "30", "--record.samples", "4"]
QUICK = [*SMALL, "--projected.weight", "0"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_train_then_sample(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "faces", *SMALL, "--steps", "3") == 0
    folder = Path("runs/faces-faces")
    assert json.loads((folder / "config.json").read_text())["network"]["width"] == 4
    assert "Done at step 3" in capsys.readouterr().out
    for name in ("samples.png", "training.webp", "log.jsonl"):
        assert (folder / name).stat().st_size > 100
    assert run("sample", str(folder), "-n", "9", "--std", "0.5", "--plain", "-o", "grid.png") == 0
    assert "step 3" in capsys.readouterr().out
    with Image.open("grid.png") as grid:
        side = (3 * (24 + 2) + 2) * 2  # 3 by 3 pictures of 24 pixels, twice enlarged
        assert grid.size == (side, side)
    first = np.asarray(Image.open("grid.png")).copy()
    assert run("sample", str(folder), "-n", "9", "--std", "0.5", "--seed", "1", "--plain", "-o", "grid.png") == 0
    assert not np.array_equal(first, np.asarray(Image.open("grid.png")))


def test_std_zero_repeats_one_image() -> None:
    assert run("train", "faces", *QUICK, "--steps", "1") == 0
    assert run("sample", "runs/faces-faces", "-n", "4", "--std", "0", "--mean", "0.3", "--plain", "-o", "same.png") == 0
    grid = np.asarray(Image.open("same.png"))
    assert np.array_equal(grid[4:52, 4:52], grid[56:104, 56:104])


def test_the_same_command_resumes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "faces", *QUICK, "--steps", "2") == 0
    assert run("train", "faces", *QUICK, "--steps", "4") == 0
    assert "resumes at step 2" in capsys.readouterr().out
    assert run("train", "faces", *QUICK, "--steps", "4", "--batch", "5") == 2
    error = capsys.readouterr().err
    assert "schedule.batch: 4 -> 5" in error
    assert "--force" in error
    assert run("train", "faces", *QUICK, "--steps", "5", "--batch", "5", "--force") == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["train", "facs"], "did you mean 'faces'?"),
        (["train", "faces", "--recipe", "dcgam"], "did you mean 'dcgan'"),
        (["train", "faces", "--method.name", "wgam"], "no method 'wgam'"),
        (["train", "faces", "--network.name", "x"], "choose one of: anime-article, dcgan, infogan, mlp"),
        (["train", "faces", "--size", "30"], "multiples of 8"),
        (["train", "faces", "--steps", "3", "--minutes", "1"], "Both steps and minutes"),
        (["train", "faces", "--steps", "0"], "schedule.steps is 0"),
        (["train", "faces", "--batch", "0"], "schedule.batch is 0"),
        (["train", "faces", "--data.source", "digits"], "name the data without a flag"),
        (["train", "faces", "--device", "cuda"], "does not find on this machine"),
        (["train", "empty"], "empty"),
        (["train", "text.png"], "text.png"),
        (["sample", "nowhere"], "not a run with a checkpoint"),
        (["sample", "nowhere", "-n", "0"], "n is 0: use a number from 1"),
        (["sample", "nowhere", "--std", "nan"], "std is nan: use a number"),
        (["sample", "nowhere", "-o", "grid.docx"], "must end in .png"),
        (["doctor", "nowhere"], "nowhere"),
        (["recipes", "dcgam"], "did you mean 'dcgan'?"),
    ],
)
def test_errors_of_the_user_are_one_sentence_and_exit_code_2(
    args: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    Path("empty").mkdir()
    Path("text.png").write_text("no picture")
    assert run(*args) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.startswith("ganache: ")
    assert error.count("\n") == 1
    assert not Path("runs").exists(), "a refused command leaves no files"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["train"], "required"),
        (["train", "faces", "--data.flap", "1"], "--data.flip"),
        (["train", "faces", "--schedule.batch", "many"], "--schedule.batch"),
        (["trian"], "train"),
        (["sample", "x", "--sed", "1"], "--seed"),
    ],
)
def test_a_typo_is_answered_with_a_close_name(args: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*args) == 2
    assert words in capsys.readouterr().err


def test_runs_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    for out, *more in (["a"], ["b", "--seed", "1"], ["c", "--method.name", "wgan"]):
        assert run("train", "faces", *QUICK, "--steps", "2", "--out", out, *more) == 0
    capsys.readouterr()
    assert run("compare", "a", "b", "c", "-o", "side.png") == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 5, "the first two runs, of two seeds, are one row"
    assert "+-" in printed[1]
    assert "+-" not in printed[2]
    with Image.open("side.png") as figure:
        assert figure.width > figure.height
    assert run("compare", "a", "nowhere") == 2
    assert run("compare") == 2


def test_several_recipes_and_seeds_are_trained_and_compared(capsys: pytest.CaptureFixture[str]) -> None:
    several = ["--recipe", "dcgan,wgan", "--seeds", "2", "--schedule.boosted-critic-steps", "1"]
    assert run("train", "faces", *QUICK, "--steps", "1", "--out", "all", *several) == 0
    folders = sorted(path.name for path in Path("all").iterdir() if path.is_dir())
    assert folders == ["faces-dcgan", "faces-dcgan-seed1", "faces-wgan", "faces-wgan-seed1"]
    assert Path("all/compare.png").stat().st_size > 1000
    assert "+-" in capsys.readouterr().out


def test_settings_that_require_each_other_can_be_given_together(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "faces", *SMALL, "--steps", "1", "--method.name", "wgan-gp") == 2
    assert (
        "add --network.critic-norm layer --network.critic-overview None --projected.weight 0."
        in capsys.readouterr().err
    )
    together = ["--method.name", "wgan-gp", "--network.critic-norm", "layer", "--network.critic-overview", "None"]
    together += ["--projected.weight", "0"]
    assert run("train", "faces", *QUICK, "--steps", "1", *together) == 0


def test_doctor_prints_for_people_and_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    Path("pictures").mkdir()
    for number in range(3):
        Image.new("RGB", (40, 30), (number * 90, 10, 10)).save(f"pictures/{number}.png")
    Path("pictures/notes.png").write_text("hello")
    assert run("doctor", "pictures") == 0
    assert "notes.png" in capsys.readouterr().out
    assert run("doctor", "pictures", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["usable"] == 3
    assert [skipped["name"] for skipped in found["skipped"]] == ["notes.png"]


def test_recipes_are_listed_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("recipes") == 0
    listed = capsys.readouterr().out
    for name in ("anime-article", "dcgan", "gan-mlp", "wgan", "wgan-article", "faces-quick", "faces"):
        assert name in listed
    assert run("recipes", "wgan-article") == 0
    described = capsys.readouterr().out
    assert "PaddlePaddle" in described
    assert "never assigns" in described


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_step_saves_and_tells_how_to_resume(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from ganache.cli import main; main()", "train", "faces", *QUICK]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environment)
    assert process.stdout is not None
    assert "starts" in process.stdout.readline()
    process.send_signal(number)
    printed = process.stdout.read()
    assert process.wait() == (75 if number == signal.SIGTERM else 0), "a machine that is taken away asks to come back"
    assert "saved: the same command resumes the run" in printed
    assert run("train", "faces", *QUICK, "--steps", "100000", "--images", "1") == 2
    step = int(printed.split("step ")[1].split()[0])
    assert (tmp_path / f"runs/faces-faces/checkpoints/{step:09d}.safetensors").exists()
