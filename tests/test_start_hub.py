"""Going on from a model of the Hugging Face hub, with a fake of its library: no test uses the network."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pytest

from ganache import find_checkpoint
from ganache.cli import main
from ganache.data.readers import hub as data_hub
from ganache.errors import CheckpointError, MissingExtra
from ganache.runs.hub import downloaded
from playground_client import BRIEF, FACES, train


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose files are those of any repository of the hub."""
    folder = tmp_path / "repository"
    folder.mkdir()
    module = types.ModuleType("huggingface_hub")

    def list_repo_files(name: str) -> list[str]:
        if name == "no/body":
            raise OSError("401 Client Error\nmore")
        return sorted(path.name for path in folder.iterdir())

    def snapshot_download(name: str, local_files_only: bool) -> str:
        raise OSError("not in the cache")

    module.list_repo_files = list_repo_files  # type: ignore[attr-defined]
    module.snapshot_download = snapshot_download  # type: ignore[attr-defined]
    module.hf_hub_download = lambda name, file: str(folder / file)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    monkeypatch.setattr(data_hub, "_is_reachable", lambda: True)
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_run_starts_from_the_only_checkpoint(repository: Path, tmp_path: Path) -> None:
    run = train(tmp_path / "first")
    (repository / "README.md").write_text("A model")
    find_checkpoint(run, "last").rename(repository / "model.safetensors")
    main([*FACES, *BRIEF, "--from", "hf:someone/faces", "--out", "second"])
    assert "layers of the generator" in Path("second/log.jsonl").read_text()
    assert json.loads(Path("second/config.json").read_text())["start"]["source"] == "hf:someone/faces"
    main([*FACES, *BRIEF, "--steps", "3", "--from", "hf:someone/faces/model.safetensors", "--out", "third"])


@pytest.mark.parametrize(
    ("source", "files", "words"),
    [
        ("hf:someone/faces", [], "has none: give hf:owner/name/file"),
        ("hf:someone/faces", ["a.safetensors", "b.safetensors"], r"has 2 \(a.safetensors, b.safetensors\)"),
        ("hf:faces", [], "names no model of the hub"),
        ("hf:../faces", [], "names no model of the hub"),
        ("hf:no/body", [], r"could not be downloaded from the hub \(401 Client Error\): check its name"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(repository: Path, source: str, files: list[str], words: str) -> None:
    for name in files:
        (repository / name).touch()
    with pytest.raises(CheckpointError, match=words):
        downloaded(source)


def test_without_network_the_cache_serves(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = sys.modules["huggingface_hub"]

    def offline(name: str) -> list[str]:
        raise ConnectionError("offline mode is enabled")

    monkeypatch.setattr(hub, "list_repo_files", offline)
    monkeypatch.setattr(hub, "snapshot_download", lambda name, local_files_only: str(repository))
    (repository / "model.safetensors").touch()
    assert downloaded("hf:someone/faces") == repository / "model.safetensors"


def test_without_network_or_library(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtra, match="hub"):
        downloaded("hf:someone/faces")
    monkeypatch.setattr(data_hub, "_is_reachable", lambda: False)
    with pytest.raises(CheckpointError, match="cannot be reached: give the path of a run or a checkpoint"):
        downloaded("hf:someone/faces")
