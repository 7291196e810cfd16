"""Runs of the first version still work with every command; `tests/runs/first-version.zip` is one, in its old files."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from ganache.cli import main
from ganache.config.config import Config, from_record, recipe, to_dict
from ganache.core import checkpoint_file, old_names
from ganache.errors import CheckpointError
from ganache.runs import log
from ganache.runs.folder import checkpoints, find_checkpoint, read_config, read_evaluations
from playground_client import ORIGIN, SOCKET, client, received

ARCHIVE = Path(__file__).parent / "runs" / "first-version.zip"

COMMAND = """
    --recipe anime-article --size 24 --network.width 4 --network.z-dim 8 --schedule.batch 8 --data.count 110
    --record.log-every 5 --record.sample-every 20 --record.samples 9 --record.checkpoint-every 20 --record.keep 2
    --record.keep-steps 20 --probe.share 0.9 --view.augment colour --view.adaptive True --view.adaptive-images 200
"""
"""The options that trained the run, with the names of today."""

LATER = {"range": None, "background": "white", "labels": "folders", "typical": 1.0}
"""Settings of the section `data` that did not exist then, with the values in effect then."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run, in the working directory."""
    with zipfile.ZipFile(ARCHIVE) as archive:
        archive.extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "first-version"


def command(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    main([str(word) for word in words])
    return capsys.readouterr().out


# ---- the commands --------------------------------------------------------------------------------------------------


def test_it_is_resumed_where_it_stopped(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed = command(capsys, "train", "faces", *COMMAND.split(), "--steps", 44, "--out", run)
    assert "resumes at step 40" in printed
    assert "Done at step 44" in printed
    lines = log.step_lines(log.read(run / "log.jsonl"))
    steps = [line["step"] for line in lines]
    assert steps == sorted(set(steps))
    assert steps[:3] == [1, 5, 10], "the old lines are still there"
    assert [int(path.stem) for path in checkpoints(run)] == [20, 40, 44]
    header = checkpoint_file.read_header(find_checkpoint(run))
    assert header["batch_index"] == 44
    assert header["seconds"] > checkpoint_file.read_header(find_checkpoint(run, "40"))["seconds"]
    assert header["augment_p"] > 0.5, "not from 0 again"
    written = json.loads((run / "config.json").read_text())
    assert written["probe"]["share"] == 0.9
    assert "watch" not in written
    assert written["data"]["held_out"] == 0.05


def test_all_its_tensors_are_restored(run: Path) -> None:
    """Weights and optimiser states: a run that is resumed and saved at once has the same tensors, by value."""
    from ganache.runs.checkpoint import state_tensors
    from ganache.runs.run import Run

    known = read_config(run)
    assert known is not None
    known.pop("data_fingerprint")
    resumed = Run.open(run, from_record(known))
    resumed.close()
    with safe_open(checkpoints(run)[-1], framework="pt") as file:
        old = sorted(digest(file.get_tensor(name)) for name in file.keys())  # noqa: SIM118  (it is no dict)
    assert sorted(map(digest, state_tensors(resumed.state).values())) == old
    assert (resumed.state.step, resumed.state.batch_index, resumed.state.augment_p) == (40, 40, 1.0)


def digest(tensor: torch.Tensor) -> tuple[tuple[int, ...], bytes]:
    return tuple(tensor.shape), tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def test_samples_are_those_of_the_first_version(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import numpy as np
    from PIL import Image

    command(capsys, "sample", run, "-n", 9, "--std", 1, "--no-average", "--plain", "-o", "grid.png")
    old, new = (np.asarray(Image.open(path)).astype(int) for path in (run / "samples.png", "grid.png"))
    assert np.abs(old - new).max() <= 1


@pytest.mark.slow
def test_its_requests_are_rendered(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(run / "samples" / "000000040.png", "x.png")
    for name in ("traverse", "invert"):
        command(capsys, "render", run, run / f"{name}.json", "-o", f"{name}.png")
        assert Path(f"{name}.png").stat().st_size > 100
    command(capsys, "along", run, "--directions", "sefa1", "-o", "along.png")


def test_it_is_evaluated_diagnosed_compared_and_reported(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_evaluations(run)[0].protocol.step == 40
    assert "probes up to step" in command(capsys, "diagnose", run)
    command(capsys, "evaluate", run, "-n", 100, "--features", "random")
    assert [evaluation.protocol.step for evaluation in read_evaluations(run)] == [40], "the old one is replaced"
    shutil.copytree(run, "copy")
    assert "first-version" in command(capsys, "compare", run, "copy", "-o", "side.png")
    command(capsys, "report", run, "-o", "report.html")
    page = Path("report.html").read_text()
    for curve in ("pairs in order (AUC)", "headroom", "nothing learnt"):
        assert curve in page, "the probes of the old log are curves"


def test_it_is_opened_in_the_playground(run: Path) -> None:
    with client(run) as browser, browser.websocket_connect(SOCKET, headers=ORIGIN) as page:
        header, _ = received(page)
        (summary,) = header["hello"]["runs"]
    assert summary["steps"] == [20, 40]
    assert {name["name"] for name in summary["names"]} == {"sefa1", "sefa2", "two"}


# ---- the mapping of names ------------------------------------------------------------------------------------------


def test_every_setting_of_the_old_file_has_a_name_of_today(run: Path) -> None:
    known = read_config(run)
    assert known is not None
    known.pop("data_fingerprint")
    config = from_record(known)
    assert config.schedule.fresh_latents
    assert config.record.keep_steps == (20,)
    assert config.precision.deterministic
    assert config.view.augment_p == 1.0
    known["data"] |= LATER
    known["policy"]["score"] = "patches"
    known["penalty"] |= {"every": 1, "path_length": 0.0, "path_length_every": 4}
    known["schedule"]["micro_batch"] = None
    known["start"] = {"source": "", "freeze": [], "optimisers": "fresh"}
    known["projected"] = {"weight": 0.0, "share": 1.0, "windows": 0.0}
    known["record"]["track"] = []
    assert to_dict(config) == known, "nothing is lost and nothing is added"


def test_old_settings_are_renamed_and_new_ones_are_left_alone() -> None:
    old: dict[str, Any] = {
        "seed": 3,
        "network": {"name": "chollet", "width": 4},
        "precision": {"graphs": False, "repeatable": True},
        "record": {"marks": [5]},
        "schedule": {"new_latents": False, "one_term_at_a_time": True, "batch": 8},
        "view": {"strength": 0.5, "noise": 0.1},
        "watch": {"share": 0.2, "probe_steps": 3},
    }
    new = {
        "seed": 3,
        "network": {"name": "anime-article", "width": 4},
        "precision": {"cuda_graphs": False, "deterministic": True},
        "record": {"keep_steps": [5]},
        "schedule": {"fresh_latents": False, "separate_critic_terms": True, "batch": 8},
        "view": {"augment_p": 0.5, "noise": 0.1},
        "probe": {"share": 0.2, "critic_steps": 3},
    }
    assert old_names.settings(old) == new
    assert old_names.settings(new) == new
    assert old_names.settings({"network": {"name": "mnist"}}) == {"network": {"name": "wgan-article"}}
    everything = to_dict(Config())
    assert old_names.settings(everything) == everything


def test_old_headers_are_renamed_and_new_ones_are_left_alone() -> None:
    old = {"step": 4, "batches": 8, "slowed": 0.5, "strength": 0.3, "config": {"watch": {"share": 0.1}}}
    new = {"step": 4, "batch_index": 8, "lr_scale": 0.5, "augment_p": 0.3, "config": {"probe": {"share": 0.1}}}
    assert old_names.header(old) == new
    assert old_names.header(new) == new


def test_old_log_lines_are_renamed_and_new_ones_are_left_alone() -> None:
    old = {"step": 4, "augment_strength": 0.3, "look": dict.fromkeys(old_names.PROBE, 1.0) | {"score": 2.0}}
    new = {"step": 4, "augment_p": 0.3, "probe": dict.fromkeys(old_names.PROBE.values(), 1.0) | {"score": 2.0}}
    assert old_names.log_line(old) == new
    assert old_names.log_line(new) == new
    notice = {"step": 7, "event": "not numbers", "notice": "At step 7, ..."}
    assert old_names.log_line(notice) == notice | {"event": "non-finite"}
    assert old_names.log_line({"event": "restart"}) == {"event": "restart"}


def test_a_recipe_file_with_old_names_still_loads(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[network]\nname = "mnist"\n[schedule]\nnew_latents = false\n[watch]\nshare = 0.2\n')
    config = recipe(str(file))
    assert not config.schedule.fresh_latents
    assert config.probe.share == 0.2
    assert to_dict(config)["network"]["name"] == "wgan-article"


def test_a_value_under_the_new_name_wins() -> None:
    assert old_names.renamed({"old": 1, "new": 2}, {"old": "new"}) == {"new": 2}
    assert old_names.renamed({"new": 2, "old": 1}, {"old": "new"}) == {"new": 2}


@pytest.mark.parametrize("foreign", [None, [], 3, "x"])
def test_json_that_is_not_an_object_is_refused_by_a_value_error(foreign: Any) -> None:
    """Readers turn it into a sentence, or skip the line."""
    for read in (old_names.settings, old_names.header, old_names.log_line):
        with pytest.raises(ValueError, match="not a JSON object"):
            read(foreign)


def test_names_that_are_not_text_are_left_alone() -> None:
    assert old_names.settings({"network": {"name": ["x"]}}) == {"network": {"name": ["x"]}}
    assert old_names.log_line({"event": ["x"]}) == {"event": ["x"]}


def test_a_config_that_is_not_an_object_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("null")
    with pytest.raises(CheckpointError, match=r"config\.json cannot be read \(it is not a JSON object\)"):
        read_config(tmp_path)
