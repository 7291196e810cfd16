"""Sharing a model: the card and the files, and their upload to a stand-in of the hub on 127.0.0.1."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from conftest import run_command
from forked import run_ganache, run_python
from ganache import find_checkpoint, load_generator
from ganache.config.config import to_dict
from ganache.core.checkpoint_file import load, read_header, save
from ganache.core.storage import write_json
from ganache.evaluation.evaluation import Evaluation, Protocol, Score
from ganache.output.hub.card import markdown
from ganache.output.hub.model_file import without_paths
from ganache.runs.folder import write_evaluation
from hub_server import TOKEN, Hub, hub_server
from playground_client import train

PATH = "/home/somebody/private"
"""A folder whose name must not leave the machine."""
MARKED = "<b>|*evil*|</b>\x1b[31m"


def with_a_path(checkpoint: Path) -> None:
    """Let a checkpoint, and the run's settings, name data by a path."""
    tensors, header = load(checkpoint)
    header["config"]["data"]["source"] = f"{PATH}/cats|x.zip"
    header["config"]["recipe"] = f"{PATH}/mine.toml"
    about = {name: value for name, value in header.items() if name not in ("format", "sha256")}
    save(checkpoint, tensors, about | {"data_paths": [f"{PATH}/cats|x.zip"]})
    config = checkpoint.parent.parent / "config.json"
    plain = json.loads(config.read_text())
    plain |= {"recipe": f"{PATH}/mine.toml", "data": plain["data"] | {"source": f"{PATH}/cats|x.zip"}}
    write_json(config, plain | {"machine": "A processor (2 cores usable)"})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evaluated run whose data have a path and a name with special characters."""
    folder = train(tmp_path_factory.mktemp("push") / "run")
    with_a_path(find_checkpoint(folder))
    (folder / "names.json").write_text(json.dumps({"first": {"seeds": [3]}}))
    for features, step in (("perceptual", 2), ("perceptual-2", 2), ("pixels", 1)):
        score = Score("layers", 0.1934 if step == 2 else 7.77, 0.0021, "lower", 0.02, "10 splits")
        protocol = Protocol(1000, 1000, "training", 50, features, features, 3, "none", 0, step, MARKED, "abc")
        write_evaluation(folder, Evaluation((score,), protocol))
    return folder


@pytest.fixture(scope="module")
def written(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `ganache push --to` writes of it."""
    folder = tmp_path_factory.mktemp("to") / "look"
    words = ["me/cats", "--license", "cc-by-4.0", "--about", f"Cats {MARKED}", "--space", "me/page"]
    assert run_command("push", str(run), *words, "--to", str(folder)) == 0
    return folder


def test_the_files_are_those_of_a_model_and_a_space(written: Path) -> None:
    found = sorted(str(path.relative_to(written)) for path in written.rglob("*") if path.is_file())
    of_model = ["README.md", "model.onnx", "model.safetensors", "names.json", "samples.png"]
    assert found == [*(f"model/{name}" for name in of_model), "space/README.md", "space/index.html"]


def test_the_shared_weights_make_the_same_pictures(run: Path, written: Path) -> None:
    ours, _, _ = load_generator(find_checkpoint(run))
    theirs, config, _ = load_generator(written / "model" / "model.safetensors")
    shared = theirs.state_dict()
    assert all((tensor == shared[name]).all() for name, tensor in ours.state_dict().items())
    import onnxruntime
    import torch

    z = torch.randn(2, config.network.z_dim)
    session = onnxruntime.InferenceSession(written / "model" / "model.onnx", providers=["CPUExecutionProvider"])
    (x,) = session.run(None, {"z": z.numpy()})
    assert np.abs(x - theirs(z).detach().numpy()).max() < 0.02


def test_no_path_leaves_the_machine(written: Path) -> None:
    for path in written.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert PATH.encode() not in content, path
            assert b"somebody" not in content, path
    header = read_header(written / "model" / "model.safetensors")
    assert header["config"]["data"]["source"] == "cats|x.zip"
    assert header["config"]["recipe"] == "mine"
    assert "data_paths" not in header


def test_settings_without_paths_keep_everything_else(run: Path) -> None:
    _, config, _ = load_generator(find_checkpoint(run))
    plain = to_dict(config)
    shared = without_paths(plain)
    assert {name for name in plain if shared[name] != plain[name]} == {"recipe", "data"}
    assert shared["data"] == plain["data"] | {"source": "cats|x.zip"}


def test_the_metadata_are_those_of_the_hub(written: Path) -> None:
    _, head, _ = (written / "model" / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    assert yaml.safe_load(head) == {
        "license": "cc-by-4.0",
        "library_name": "ganache",
        "tags": ["ganache", "gan", "dcgan", "lsgan"],
        "pipeline_tag": "unconditional-image-generation",
    }
    _, head, _ = (written / "space" / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    space = yaml.safe_load(head)
    assert (space["sdk"], space["app_file"], space["models"]) == ("static", "index.html", ["me/cats"])
    assert space["custom_headers"] == {
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "cross-origin",
    }


def test_the_card_says_what_the_run_has_recorded(written: Path) -> None:
    text = (written / "model" / "README.md").read_text(encoding="utf-8")
    for words in (
        "pictures of 16x16 pixels",
        "ganache explore hf:me/cats",
        "--from hf:me/cats",
        "https://huggingface.co/spaces/me/page",
        "| data | `cats/x.zip`",
        "| steps | 2 of 4 pictures: 8 shown |",
        "| machine | A processor (2 cores usable) |",
        "By perceptual features, 1,000 generated",
        "By perceptual-2 features",
        "0.1934\xa0±\xa00.0021 | 0.02 | lower",
        "It is too early to judge the quality",
    ):
        assert words in text, text
    assert "7.77" not in text, "that was another step"


def test_a_name_is_text_on_the_card(written: Path) -> None:
    text = (written / "model" / "README.md").read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert "<b>" not in text.replace(r"\<b", "")
    assert r"Cats \<b\>\|\*evil\*\|\</b\>" in text
    for line in text.splitlines():
        if line.startswith("| layers"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 6


def test_markdown_has_no_meaning_left() -> None:
    assert markdown("[x](y) `z`\n# a") == r"\[x\](y) \`z\`\\n\# a"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["me/cats"], "No licence was named"),
        (["me/cats", "--license", "My Own!"], "use the hub's name for it"),
        (["cats", "--license", "mit"], "write owner/name"),
        (["me/cats", "--license", "mit", "--space", "a/b/c"], "write owner/name"),
        (["me/cats", "--license", "mit", "--to", "."], "is not an empty folder"),
    ],
)
def test_wrong_words_are_one_sentence(
    run: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command("push", str(run), *words) == 2
    assert sentence in capsys.readouterr().err


def test_a_run_on_points_has_a_card_and_no_space(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["ring8", "--steps", "2", "--data.count", "300", "--probe.share", "0"]
    assert run_command("train", *words, "--out", str(tmp_path / "points")) == 0
    push = ["push", str(tmp_path / "points"), "me/ring", "--license", "mit"]
    assert run_command(*push, "--to", str(tmp_path / "look")) == 0
    assert sorted(path.name for path in (tmp_path / "look" / "model").iterdir()) == [
        "README.md",
        "model.safetensors",
        "samples.png",
    ]
    text = (tmp_path / "look" / "model" / "README.md").read_text(encoding="utf-8")
    assert "A GAN that makes points:" in text
    assert "unconditional-image-generation" not in text
    assert "It was not evaluated." in text
    assert run_command(*push, "--space", "me/page", "--to", str(tmp_path / "other")) == 2
    assert "makes points" in capsys.readouterr().err


# ---- upload ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server() as server:
        yield server


UPLOAD = """
import sys
from pathlib import Path
from ganache.cli import fail
from ganache.errors import GanacheError
from ganache.output.hub import log_in, upload
try:
    print(upload(log_in(sys.argv[2]), Path(sys.argv[1]), sys.argv[2], sys.argv[3], private=len(sys.argv) > 4))
except GanacheError as error:
    fail(str(error), [])
"""


def pushed(hub: Hub, folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Upload a folder."""
    given: dict[str, Any] = {**hub.variables(folder.parent), **variables}
    return run_python(UPLOAD, str(folder), *words, **given)


def test_what_is_written_arrives(hub: Hub, written: Path, tmp_path: Path) -> None:
    for kind, name in (("model", "me/cats"), ("space", "me/page")):
        done = pushed(hub, written / kind, name, kind)
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip().endswith(name)
        files = {path.name: path.read_bytes() for path in (written / kind).iterdir()}
        assert hub.files(name, f"{kind}s") == {".gitattributes": b"", **files}
    done = run_ganache("sample", "hf:me/cats", "-n", "2", "-o", str(tmp_path / "a.npy"), **hub.variables(tmp_path))
    assert done.returncode == 0, done.stderr
    assert np.load(tmp_path / "a.npy").shape == (2, 16, 16, 3)


def test_the_command_pushes_and_a_second_time_replaces(hub: Hub, tmp_path: Path) -> None:
    train_words = ["ring8", "--steps", "2", "--data.count", "300", "--probe.share", "0"]
    assert run_command("train", *train_words, "--out", str(tmp_path / "points")) == 0
    words = ["push", str(tmp_path / "points"), "me/ring", "--license", "mit", "--private"]
    for licence in ("mit", "other"):
        done = run_ganache(*words[:4], licence, "--private", **hub.variables(tmp_path))
        assert done.returncode == 0, done.stderr
        assert "ganache explore hf:me/ring" in done.stdout
        assert TOKEN not in done.stdout + done.stderr
        assert f'license: "{licence}"' in hub.files("me/ring")["README.md"].decode()
    assert hub.repositories["models", "me/ring"].private


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A folder such as a model's."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "README.md").write_text("---\ntags: [ganache]\n---\n# x\n")
    (folder / "model.onnx").write_bytes(bytes(range(256)) * 500)
    (folder / "model.safetensors").write_bytes(bytes(range(255)) * 2000)
    return folder


def test_an_upload_that_breaks_is_sent_again(hub: Hub, small: Path) -> None:
    hub.break_after["PUT"] = 50_000
    done = pushed(hub, small, "me/x", "model")
    assert done.returncode == 0, done.stderr
    assert sum(request.startswith("PUT") for request in hub.requests) == 3, "two files, one of them twice"
    assert hub.files("me/x")["model.safetensors"] == (small / "model.safetensors").read_bytes()


def test_files_that_arrived_are_not_sent_again(hub: Hub, small: Path) -> None:
    hub.refusals["/commit/"] = 403
    assert pushed(hub, small, "me/x", "model").returncode == 2
    assert hub.files("me/x") == {".gitattributes": b""}
    hub.refusals.clear()
    hub.requests.clear()
    assert pushed(hub, small, "me/x", "model").returncode == 0
    assert not any(request.startswith("PUT") for request in hub.requests)
    assert set(hub.files("me/x")) == {".gitattributes", "README.md", "model.onnx", "model.safetensors"}


def test_files_of_an_earlier_model_go_and_others_stay(hub: Hub, small: Path) -> None:
    assert pushed(hub, small, "me/x", "model").returncode == 0
    hub.publish("me/x", {**hub.files("me/x"), "LICENSE": b"mine", "names.json": b"{}"})
    (small / "model.onnx").unlink()
    assert pushed(hub, small, "me/x", "model").returncode == 0
    assert set(hub.files("me/x")) == {".gitattributes", "README.md", "model.safetensors", "LICENSE"}


@pytest.mark.parametrize(
    ("refusals", "variables", "words"),
    [
        ({}, {"HF_TOKEN": ""}, "There is no token of the hub to push 'me/x' with"),
        ({}, {"HF_TOKEN": "hf_wrong"}, "did not accept the token for 'me/x' (401)"),
        ({"/repos/create": 403}, {}, "The token may not do this with 'me/x' (403)"),
        ({"/commit/": 403}, {}, "The token may not do this with 'me/x' (403)"),
        ({"/lfs/objects/batch": 400}, {}, "The hub answered 400 for 'me/x'"),
        ({}, {"HF_ENDPOINT": "http://127.0.0.1:9"}, "The hub cannot be reached to push 'me/x': use --to FOLDER"),
        ({}, {"HF_HUB_OFFLINE": "1"}, "The hub cannot be reached"),
    ],
)
def test_what_the_hub_does_not_take_is_one_sentence(
    hub: Hub, small: Path, refusals: dict[str, int], variables: dict[str, str], words: str
) -> None:
    hub.refusals |= refusals
    done = pushed(hub, small, "me/x", "model", **variables)
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize("files", [{"README.md": b"# of others"}, {"README.md": b"---\ntags: [x]\n---\n", "a": b""}])
def test_a_repository_of_something_else_stays(hub: Hub, small: Path, files: dict[str, bytes]) -> None:
    hub.publish("me/x", {".gitattributes": b""})
    hub.publish("me/x", files)
    done = pushed(hub, small, "me/x", "model")
    assert done.returncode == 2
    assert "exists and was not made by ganache" in done.stderr
    assert hub.files("me/x") == files
