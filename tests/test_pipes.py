"""A pipe, device, socket or folder in the place of a file that the user names gives a sentence, and never waits."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from conftest import run_command
from ganache.cli import render
from ganache.core import plugins, storage
from ganache.data.decoding import read_picture
from ganache.errors import ConfigError, GanacheError
from playground_client import train

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs pipes and devices")

KINDS: dict[str, Callable[[Path], Any]] = {
    "a pipe": os.mkfifo,
    "a link to a pipe": lambda path: (os.mkfifo(path.with_name("pipe")), path.symlink_to("pipe")),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "the standard input": lambda path: path.symlink_to("/dev/stdin"),
    "a socket": lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a file that is too large": lambda path: (path.touch(), os.truncate(path, 2**40)),
}

COMMANDS: dict[str, tuple[str, ...]] = {
    "a request": ("render", "{run}", "{file}.json"),
    "a vector": ("name", "{run}", "x", "--vector", "{file}.json"),
    "a picture": ("invert", "{run}", "{file}.png"),
    "the second picture": ("invert", "{run}", "{good}", "{file}.png"),
    "a zip": ("doctor", "{file}.zip"),
    "an array": ("doctor", "{file}.npy"),
    "data of a run": ("evaluate", "{run}", "--data", "{file}.zip", "-n", "8"),
    "a recipe": ("train", "ring8", "--steps", "1", "--recipe", "{file}.toml", "--out", "{folder}/out"),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "faces")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_waits_for_what_is_no_file(
    command: str, kind: str, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(os.path.realpath(run.parent), f"{len(os.listdir(run.parent))}")  # short: a socket's path has a limit
    folder.mkdir()
    monkeypatch.chdir(folder)
    good = folder / "good.png"
    Image.new("RGB", (16, 16), "red").save(good)
    words = COMMANDS[command]
    suffix = next(Path(word).suffix for word in words if "{file}" in word)
    KINDS[kind](Path(f"f{suffix}"))
    filled = [word.format(run=run, file="f", good=good, folder=folder) for word in words]
    assert run_command(*filled) == 2
    said = capsys.readouterr().err
    assert said.startswith("ganache: ")
    assert said.count("\n") == 1
    assert not (run / "names.json").exists()


@pytest.mark.parametrize("kind", ["a pipe", "a socket", "a link to a pipe"])
@pytest.mark.parametrize("inside", [False, True])
def test_a_plugin_that_is_no_file_is_refused(
    kind: str, inside: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    KINDS[kind](Path("p.py"))
    monkeypatch.setenv(plugins.VARIABLE, str(tmp_path if inside else tmp_path / "p.py"))
    with pytest.raises(ConfigError, match="no ordinary file"):
        plugins.plugin_files(".py")


def test_a_link_to_a_file_of_the_user_is_followed_and_one_in_a_run_is_not(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), "red").save(tmp_path / "good.png")
    (tmp_path / "link.png").symlink_to("good.png")
    assert read_picture(tmp_path / "link.png", (16, 16), 3).pixels.shape == (16, 16, 3)
    (tmp_path / "request.json").write_text('\ufeff{"kind": "sample"}', encoding="utf-8")
    (tmp_path / "link.json").symlink_to("request.json")
    assert render.read_request(str(tmp_path / "link.json")) == render.read_request(str(tmp_path / "request.json"))
    with pytest.raises(OSError, match="links in a run are not followed"):
        storage.read_text(tmp_path / "link.json")


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 100_000, b'{"kind": "sample", "n": NaN}', b'{"kind": "x"}']
)
def test_what_is_no_request_gives_a_sentence(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_bytes(content)
    with pytest.raises(GanacheError):
        render.read_request(str(tmp_path / "request.json"))
