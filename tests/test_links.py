"""Links in a run folder, which archives keep, are neither followed nor written through; foreign files stay."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from conftest import run_command

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs symbolic links")

TRAIN = ["train", "ring8", "--recipe", "gan-mlp", "--network.hidden", "8", "--batch", "8", "--record.log-every", "1"]
TRAIN += ["--record.checkpoint-every", "2", "--record.sample-every", "2"]
TRAIN += ["--track", "tensorboard"] if find_spec("tensorboard") else []

NAMES = (
    *(
        "config.json",
        "log.jsonl",
        "samples.png",
        "training.webp",
        "names.json",
        ".lock",
        ".names.lock",
        "compare.png",
        "report.html",
    ),
    *("samples", "checkpoints", "history", "evaluations", "tensorboard", "trackers.json"),
    *("samples/000000002.png", "samples/000000004.png", "checkpoints/000000002.safetensors"),
    *("history/000000002.safetensors", "history/000000003.safetensors"),
    *("checkpoints/000000004.safetensors", "evaluations/000000002-pixels-0.json", "checkpoints/.hidden"),
    *(".part-0123456789abcdef-config.json", "checkpoints/.part-0123456789abcdef-000000004.safetensors"),
)
"""Every name that ganache writes, reads or deletes in a run folder."""

COMMANDS = {
    (*TRAIN, "--steps", "4", "--out", "{run}"): "",
    (*TRAIN, "--steps", "4", "--force", "--out", "{run}"): "",
    ("sample", "{run}", "-o", "{run}/samples.png"): "samples.png checkpoints",
    ("name", "{run}", "best", "--seeds", "3"): "names.json .names.lock",
    ("evaluate", "{run}", "--features", "pixels", "-n", "100"): "evaluations",
    ("report", "{run}", "-o", "{run}/report.html"): "report.html samples config.json log.jsonl",
    ("compare", "{run}", "-o", "{run}/compare.png"): "compare.png",
}
"""Commands, and the names that concern them; training concerns all."""


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run after 2 of 4 steps."""
    folder = tmp_path_factory.mktemp("half") / "run"
    assert run_command(*TRAIN, "--steps", "2", "--out", str(folder)) == 0
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", NAMES)
def test_no_command_writes_or_deletes_through_a_link(name: str, half: Path, tmp_path: Path) -> None:
    home, run = tmp_path / "home", tmp_path / "run"
    home.mkdir()
    for each in (".bashrc", ".profile", "holiday.png", "000000001.png", ".part-0123456789abcdef-notes.txt"):
        (home / each).write_bytes(b"somebody else's")
    before = contents(home)
    is_folder = (half / name).is_dir() or name in ("evaluations", "tensorboard")
    for command, names in COMMANDS.items():
        if names and not any(name.startswith(each) for each in names.split()):
            continue
        shutil.rmtree(run, ignore_errors=True)
        shutil.copytree(half, run)
        link = run / name
        if link.is_dir():
            shutil.rmtree(link)
        link.unlink(missing_ok=True)
        link.parent.mkdir(exist_ok=True)
        link.symlink_to(home if is_folder else home / ".bashrc")
        assert run_command(*(word.replace("{run}", str(run)) for word in command)) in (0, 2), command
        assert contents(home) == before, command


def test_a_folder_with_files_of_somebody_else_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`samples` and `checkpoints` are names that other programs use too."""
    for part, name in (("samples", "holiday.png"), ("checkpoints", ".env"), ("checkpoints", "7.safetensors")):
        folder = tmp_path / name / "work"
        (folder / part).mkdir(parents=True)
        (folder / part / name).write_text("mine")
        assert run_command(*TRAIN, "--steps", "1", "--out", str(folder)) == 2
        assert "holds files that are no run of ganache" in capsys.readouterr().err
        assert contents(folder) == {f"{part}/{name}": b"mine"}


def test_files_of_other_names_in_a_run_stay_and_are_not_read(half: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(half, run)
    checkpoint = run / "checkpoints" / "000000002.safetensors"
    for name in (
        "000000002-good.safetensors",
        "1-favourite.safetensors",
        "9.safetensors",
        "000000900 (copy).safetensors",
    ):
        shutil.copy(checkpoint, checkpoint.with_name(name))
    for name in ("9copy.png", ".DS_Store", "000000002-best.png"):
        (run / "samples" / name).write_bytes(b"not a picture")
    (run / "checkpoints" / ".ipynb_checkpoints").mkdir()
    before = contents(run)
    assert run_command(*TRAIN, "--steps", "30", "--out", str(run)) == 0
    after = contents(run)
    own = {name for name in before if name.rpartition("/")[2][:9].isdigit() and len(name.rpartition("/")[2]) < 22}
    assert {name for name in before if after.get(name) != before[name]} <= own | {"log.jsonl", "config.json"} | {
        "samples.png",
        "trackers.json",
        "training.webp",
    }
    assert "checkpoints/000000002-good.safetensors" in after
