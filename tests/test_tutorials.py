"""The commands of the tutorials run, in their order, with small networks, few pictures and few steps."""

from __future__ import annotations

import glob
import re
import shlex
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import ganache
from conftest import run_command
from test_docs import ROOT, commands

TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
SMALL = {
    "doctor": "--quick",
    "train": "--steps 3 --size 16 --network.width 4 --batch 8 --record.checkpoint-every 2 --record.sample-every 2 "
    "--projected.weight 0 --data.typical 1 --probe.share 0",
    "evaluate": "-n 100",
}
"""Options that make a command cheap, in place of those that the page gives."""
DRAWN = "--data.count 240"
WITHOUT_PERCEPTION = "--features pixels"
SERVERS = ("explore", "watch")


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the data that the tutorials name, in which the commands run; servers end at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("uvicorn.Server.serve", ended)
    with zipfile.ZipFile("pictures.zip", "w") as archive:
        for index, image in enumerate(ganache.load("faces", size=(16, 16), count=240).images):
            file = BytesIO()
            Image.fromarray(image).save(file, "PNG")
            archive.writestr(f"{index}.png", file.getvalue())
    write_digits(tmp_path / "mnist-folder")
    return tmp_path


async def ended(server: Any, sockets: Any) -> None:
    """Serve nothing, in place of `uvicorn.Server.serve`."""


def write_digits(folder: Path) -> None:
    """Write scikit-learn's digits as the IDX files of MNIST."""
    folder.mkdir()
    digits = ganache.load("digits")
    images, labels = np.asarray(digits.images)[..., 0], np.asarray(digits.labels)
    sizes = b"".join(size.to_bytes(4, "big") for size in images.shape)
    (folder / "t10k-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + sizes + images.tobytes())
    count = len(labels).to_bytes(4, "big")
    (folder / "t10k-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01" + count + labels.astype(np.uint8).tobytes())


def smaller(command: str) -> list[str]:
    """Return the words of a command after `ganache`, with the options of SMALL in place of its own."""
    shown = shlex.split(command, comments=True)[1:]
    words = [path for word in shown for path in ((glob.glob(word) if "*" in word else []) or [word])]
    small = SMALL.get(words[0], "").split()
    if words[0] == "train":
        small += DRAWN.split() * ("faces" in words)
    if words[0] == "evaluate" and "--features" not in words:
        small += WITHOUT_PERCEPTION.split()
    if words[0] in SERVERS:
        small += ["--no-browser"]
    given = {*(word for word in small if word.startswith("-")), "--minutes"}
    kept = [word for before, word in zip(["", *words], words, strict=False) if not {before, word} & given]
    return kept + small


def run(tutorial: Path, first: int | None = None) -> int:
    """Run the first commands of a tutorial, or all, and return how many there were."""
    shown = [command for command in commands(tutorial) if command in blocks(tutorial)]
    for command in shown[:first]:
        assert run_command(*smaller(command)) == 0, command
    return len(shown[:first])


def blocks(tutorial: Path) -> str:
    """Return the code blocks of a page: commands in its sentences are variations, which are only parsed."""
    return "\n".join(re.findall(r"^```\n(.*?)^```", tutorial.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("data")
def test_a_tutorial_begins(tutorial: Path) -> None:
    assert run(tutorial, first=2) == 2
    assert list(Path().glob("runs/*/samples.png"))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("tutorial", TUTORIALS, ids=lambda path: path.stem)
def test_every_command_of_a_tutorial_runs(tutorial: Path, data: Path) -> None:
    assert run(tutorial) >= 8
    named = set(re.findall(r"(?:-o|--html) (\S+)", blocks(tutorial)))
    missing: Any = {name for name in named if not (data / name).exists()}
    assert not missing


def test_a_command_is_made_smaller() -> None:
    words = smaller("ganache train faces --minutes 30 --size 64   # half an hour")
    assert words[:2] == ["train", "faces"]
    assert (words.count("--size"), "64" in words, "--minutes" in words) == (1, False, False)
