"""Models of the Hugging Face hub as runs, with a stand-in of the hub on 127.0.0.1."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from forked import run_ganache, run_python
from ganache import find_checkpoint
from ganache.core.checkpoint_file import checksum
from ganache.core.checkpoint_file import load as load_checkpoint
from ganache.errors import CheckpointError
from ganache.output.hub.model_file import write_shared
from ganache.runs import hub as hub_module
from ganache.runs.hub import parts_of
from hub_server import TOKEN, Hub, hub_server
from playground_client import BRIEF, FACES, train

MOST_AT_ONCE = 10 * 2**20
"""Bytes that the library reads from a connection at a time; what was read before is not asked for again."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps, with a name."""
    # With the critics of pretrained features, so that the file is larger than what one request downloads.
    folder = train(tmp_path_factory.mktemp("hub") / "run", FACES, "--projected.weight", "1")
    (folder / "names.json").write_text(json.dumps({"first": {"seeds": [3]}}))
    return folder


@pytest.fixture(scope="module")
def model(run: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file that is shared of it."""
    file = tmp_path_factory.mktemp("model") / "model.safetensors"
    write_shared(find_checkpoint(run), file)
    return file.read_bytes()


@pytest.fixture
def hub(model: bytes, run: Path) -> Iterator[Hub]:
    """A hub with the model me/faces."""
    with hub_server() as server:
        server.publish("me/faces", {"model.safetensors": model, "names.json": (run / "names.json").read_bytes()})
        yield server


def names(hub: Hub, folder: Path, source: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """List the names of a model, the command that does least with it."""
    return run_ganache("name", source, **{**hub.variables(folder), **variables})


def only_file(folder: Path) -> Path:
    """The one checkpoint in a cache."""
    (file,) = (folder / "cache").rglob("*.safetensors")
    return file


def test_weights_and_pictures_are_the_same_after_a_download(hub: Hub, run: Path, tmp_path: Path) -> None:
    pictures = []
    for source in (str(run), "hf:me/faces"):
        out = tmp_path / f"{len(pictures)}.npy"
        done = run_ganache("sample", source, "-n", "3", "-o", str(out), **hub.variables(tmp_path))
        assert done.returncode == 0, done.stderr
        pictures.append(np.load(out))
    assert pictures[0].std() > 0
    assert (pictures[0] == pictures[1]).all()
    ours, theirs = (load_checkpoint(path)[0] for path in (find_checkpoint(run), only_file(tmp_path)))
    assert {name.partition(".")[0] for name in theirs} == {"average", "generator", "critic"}
    assert all(torch.equal(tensor, ours[name]) for name, tensor in theirs.items())
    assert "by faces, step 2" in done.stdout


def test_what_was_downloaded_serves_without_a_network_and_once_more(hub: Hub, tmp_path: Path) -> None:
    assert names(hub, tmp_path, "hf:me/faces").stdout == "first: seed 3 at mean 0, std 1\n"
    hub.requests.clear()
    assert names(hub, tmp_path, "hf:me/faces").returncode == 0
    assert not any(request.startswith("GET /me/faces/resolve/main/model.safetensors\n") for request in hub.requests)
    assert not any("resolve" in request and "bytes=0-100000" not in request for request in hub.requests)
    hub.requests.clear()
    assert names(hub, tmp_path, "hf:me/faces", HF_HUB_OFFLINE="1").returncode == 0
    assert names(hub, tmp_path, "hf:me/faces", HF_ENDPOINT="http://127.0.0.1:9").returncode == 0
    assert hub.requests == []


def test_a_revision_is_what_it_was(hub: Hub, run: Path, tmp_path: Path) -> None:
    old = hub.repositories["models", "me/faces"].commits[0][0]
    write_shared(find_checkpoint(run, "1"), tmp_path / "first.safetensors")
    hub.publish("me/faces", {"model.safetensors": (tmp_path / "first.safetensors").read_bytes()})
    for source, step in ((f"hf:me/faces@{old}", 2), ("hf:me/faces", 1)):
        code = "import sys, ganache; print(ganache.find_checkpoint(sys.argv[1]).stem)"
        done = run_python(code, source, **hub.variables(tmp_path))
        assert int(done.stdout) == step, done.stderr
    assert "has no such revision" in names(hub, tmp_path, "hf:me/faces@v9").stderr


def test_training_goes_on_from_a_model(hub: Hub, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "second"
    words = [*FACES, *BRIEF, "--from", "hf:me/faces", "--out", str(out)]
    done = run_ganache(*words, **hub.variables(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "layers of the critic are taken" in (out / "log.jsonl").read_text()
    assert json.loads((out / "config.json").read_text())["start"]["source"] == "hf:me/faces"
    write_shared(find_checkpoint(run), tmp_path / "generator.safetensors", critic=False)
    hub.publish("me/generator", {"model.safetensors": (tmp_path / "generator.safetensors").read_bytes()})
    words = [*FACES, *BRIEF, "--from", "hf:me/generator", "--out", str(tmp_path / "third")]
    done = run_ganache(*words, **hub.variables(tmp_path))
    assert done.returncode == 2
    assert "holds one generator alone, and this needs the critic" in done.stderr


def test_a_download_that_breaks_goes_on_where_it_was(hub: Hub, model: bytes, tmp_path: Path) -> None:
    commit = hub.repositories["models", "me/faces"].commits[0][0]
    hub.break_after["GET"] = MOST_AT_ONCE + 1000
    assert len(model) > hub.break_after["GET"]
    done = names(hub, tmp_path, "hf:me/faces")
    assert done.returncode == 0, done.stderr
    assert any(f"resolve/{commit}/model.safetensors bytes={MOST_AT_ONCE}-" in each for each in hub.requests), (
        hub.requests
    )
    theirs, _ = load_checkpoint(only_file(tmp_path))
    assert theirs.keys() == load(model).keys()


@pytest.mark.parametrize(
    ("source", "variables", "words"),
    [
        ("hf:me/nothing", {}, "'hf:me/nothing' is not on the hub, or is private"),
        ("hf:me/nothing", {"HF_TOKEN": ""}, "is not on the hub, or is private: check its name, or log in"),
        ("hf:me/faces", {"HF_TOKEN": "hf_wrong"}, "did not accept the token for 'hf:me/faces' (401)"),
        ("hf:me/faces", {"HF_HUB_OFFLINE": "1"}, "is not in the cache, and the hub cannot be reached"),
        ("hf:me/faces", {"HF_ENDPOINT": "http://127.0.0.1:9"}, "is not in the cache, and the hub cannot be reached"),
        ("hf:faces", {}, "names no model of the hub (it is not owner/name)"),
        ("hf:../faces", {}, "names no model of the hub"),
        ("hf:me/faces@../x", {}, "names no revision"),
        ("hf:me/refused", {}, "The token may not do this with 'hf:me/refused' (403)"),
        ("hf:me/busy", {}, "The hub answered 429 for 'hf:me/busy' (no, ***): try again later"),
        ("hf:me/two", {}, "has 2 (a.safetensors, b\\x1b[31m.safetensors): give hf:owner/name/file"),
        ("hf:me/none", {}, "has none: give hf:owner/name/file"),
        ("hf:me/other", {}, "is no model of ganache (model.safetensors has no settings of it)"),
        ("hf:me/text", {}, "cannot be used"),
        ("hf:me/long", {}, "cannot be used"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(
    hub: Hub, source: str, variables: dict[str, str], words: str, tmp_path: Path
) -> None:
    hub.refusals |= {"me/refused": 403, "me/busy": 429}
    hub.publish("me/two", {"a.safetensors": b"", "b\x1b[31m.safetensors": b""})
    hub.publish("me/none", {"README.md": b"", "pytorch_model.bin": b""})
    hub.publish("me/other", {"model.safetensors": save({"x": torch.zeros(200_000)})})
    hub.publish("me/text", {"model.safetensors": b"no tensors at all"})
    hub.publish("me/long", {"model.safetensors": (100 * 2**20).to_bytes(8, "little") + b"{" * 1000})
    done = names(hub, tmp_path, source, **variables)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert TOKEN not in done.stdout + done.stderr
    assert not list((tmp_path / "cache").rglob("*.safetensors"))
    ranges = [request for request in hub.requests if request.startswith("GET") and "resolve" in request]
    assert all("bytes=0-100000" in request for request in ranges), "nothing large is downloaded"


def changed(model: bytes, header: dict[str, object] | None = None, **settings: object) -> bytes:
    """The model with other entries in its header, or other settings of its network."""
    length = int.from_bytes(model[:8], "little")
    about = json.loads(json.loads(model[8 : 8 + length])["__metadata__"]["ganache"])
    about["config"]["network"] |= settings
    return save(load(model), {"ganache": json.dumps(about | (header or {}))})


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda model: model[:-1] + bytes([model[-1] ^ 1]), "do not match its checksum"),
        (lambda model: model[:-5], "cannot be read as a checkpoint"),
        (lambda model: changed(model, name="../evil"), "There is no network '../evil'"),
        (lambda model: changed(model, width=2**19), "belong to another network"),
        (lambda model: changed(model, width=2**40), "it is damaged"),
        (lambda model: changed(model, unknown=1), "There is no setting 'network.unknown'"),
        (lambda model: changed(model, {"image_shape": [3, 2**16, 2**16]}), "belong to another network"),
        (lambda model: changed(model, {"step": -1}), "cannot be read as a checkpoint"),
        (lambda model: with_other_keys(model), "belong to another network"),
    ],
)
def test_a_model_that_was_tampered_with_is_refused(hub: Hub, model: bytes, damage, words, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    hub.publish("me/faces", {"model.safetensors": damage(model)})
    done = names(hub, tmp_path, "hf:me/faces")
    assert done.returncode == 2
    assert "'hf:me/faces' is no usable model of ganache." in done.stderr
    assert words in done.stderr
    assert str(tmp_path) not in done.stderr
    assert not list((tmp_path / "cache").rglob("*.safetensors")), "nothing of it becomes a run"


def with_other_keys(model: bytes) -> bytes:
    """The model with one more tensor, and a checksum that matches."""
    length = int.from_bytes(model[:8], "little")
    about = json.loads(json.loads(model[8 : 8 + length])["__metadata__"]["ganache"])
    tensors = load(model) | {"average.more": torch.zeros(3)}
    return save(tensors, {"ganache": json.dumps(about | {"sha256": checksum(tensors)})})


def test_a_folder_of_the_cache_belongs_to_a_commit_and_a_file(hub: Hub, model: bytes, tmp_path: Path) -> None:
    hub.publish("me/faces", {"a.safetensors": model, "b.safetensors": model})
    for file in "ab":
        assert names(hub, tmp_path, f"hf:me/faces/{file}.safetensors").returncode == 0
    assert len(list((tmp_path / "cache").rglob("*.safetensors"))) == 2


def test_names_of_models() -> None:
    assert parts_of("hf:a/b@v1.0/x") == ("a/b", "", "v1.0/x")
    with pytest.raises(CheckpointError, match="names no revision"):
        parts_of("hf:a/b@")


def test_without_the_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    hub_module.local_run.cache_clear()
    done = run_python(
        "import sys; sys.modules['huggingface_hub'] = None; from ganache.cli import main; main(sys.argv[1:])",
        *("name", "hf:me/faces"),
        **{"HF_HUB_OFFLINE": "1", "GANACHE_CACHE": os.environ["GANACHE_CACHE"]},
    )
    assert done.returncode == 2
    assert "pip install 'ganache[hub]'" in done.stderr
