"""The example in the package: a trained generator under a name, which every command takes in the place of a run."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch

import ganache
from ganache.cli import main
from ganache.core import checkpoint_file
from ganache.core.rendering import render
from ganache.functional import latents
from ganache.lab.points import Kept
from ganache.runs.example import example_run
from ganache.runs.file_names import NAMES
from ganache.runs.folder import find_checkpoint, keep_names, read_names
from ganache.runs.models import load_model
from ganache.runs.named import EXAMPLE, is_named

FILE = Path(str(files("ganache") / "example" / "model.safetensors"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANACHE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    example_run.cache_clear()


def test_the_file_is_small_and_tells_nothing_of_the_machine_that_made_it() -> None:
    assert FILE.stat().st_size < 3_000_000
    tensors, header = checkpoint_file.load(FILE)
    assert {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()} == {torch.float16}
    assert header["config"]["data"]["source"] == "faces", "drawn by ganache: ours to give away"
    assert '"/' not in json.dumps(header), "a path"
    assert b"/home" not in FILE.read_bytes()


def test_its_pictures_are_varied() -> None:
    model, _ = load_model(find_checkpoint(EXAMPLE), EXAMPLE)
    pictures = render(model.generator, latents.samples(model.prior, 64)).astype(float)
    assert pictures.shape == (64, 64, 64, 3)
    assert np.std(pictures, axis=0).mean() > 20, "the same picture each time"


def test_it_is_a_run_for_the_commands_and_keeps_names(tmp_path: Path) -> None:
    main(["sample", EXAMPLE, "-n", "4", "--out", "four.png"])
    assert (tmp_path / "four.png").exists()
    run = example_run()
    assert (tmp_path / "cache") in run.parents, "the package is not written to"
    keep_names(run, Kept("smile", seeds=(3,)))
    example_run.cache_clear()
    assert read_names(example_run()).keys() == {"smile"}
    assert not (FILE.parent / NAMES).exists()


def test_a_folder_of_this_name_comes_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert is_named(EXAMPLE)
    (tmp_path / EXAMPLE).mkdir()
    assert not is_named(EXAMPLE)
    with pytest.raises(SystemExit):
        main(["sample", EXAMPLE])
    assert "not a run with a checkpoint" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANACHE_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(ganache.ConfigError, match="GANACHE_CACHE"):
        example_run()
