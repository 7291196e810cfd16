"""`ganache train` of several runs at the same time does what it does one after the other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from ganache.cli import several
from ganache.cli.several import Ended, Order, last_step, train_several, train_there
from ganache.cli.train import train_command
from ganache.config.config import Config, from_dict, recipe
from ganache.core import checkpoint_file
from ganache.core.executors import OneByOne, ProcessPool
from ganache.errors import ConfigError, LostProcess, TrainingError
from ganache.runs.folder import find_checkpoint
from ganache.runs.run import Run

POINTS = ["ring8", "--recipe", "points", "--data.count", "60", "--network.hidden", "8", "--schedule.critic-steps", "1"]


def weights(folder: Path) -> tuple[int, dict[str, torch.Tensor]]:
    tensors, header = checkpoint_file.load(find_checkpoint(folder))
    return header["step"], tensors


def test_runs_at_the_same_time_are_those_one_after_the_other(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    names = ["ring8-points", "ring8-points-seed1"]
    for place, how in {"together": ["--workers", "2"], "alone": []}.items():
        train_command([*POINTS, "--seeds", "2", "--steps", "8", "--out", str(tmp_path / place), *how])
        assert (tmp_path / place / "compare.png").is_file()
    said = capfd.readouterr().out
    assert "2 runs, 2 at a time." in said
    assert f"2 of 2: {tmp_path}/together/" in said
    for name in names:
        (step, one), (other_step, other) = (weights(tmp_path / place / name) for place in ("together", "alone"))
        assert step == other_step == 8
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one)


def order(folder: Path, steps: int = 3, **changes: Any) -> Order:
    small = {"data": {"count": 60}, "network": {"hidden": 8}, "schedule": {"steps": steps, "critic_steps": 1}}
    config: Config = from_dict(small | changes, recipe("points", data="ring8"))
    return Order(str(folder), config, force=False, mirror_text=False, directory=str(Path.cwd()))


@pytest.mark.usefixtures("own_signals")
def test_a_run_that_fails_does_not_end_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "b").write_text("a file in the place of the folder")
    with pytest.raises(TrainingError, match=r"1 of 3 runs have failed, such as .*b, and the others are done"):
        train_several([order(tmp_path / name) for name in "abc"], OneByOne())
    said = capsys.readouterr().out
    assert "b: failed: " in said
    assert "3 of 3: " in said
    assert weights(tmp_path / "c")[0] == 3


@pytest.mark.usefixtures("own_signals")
def test_an_error_that_nobody_expected_does_not_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Out(RuntimeError): ...

    opened = Run.open

    def open_run(folder: str, *args: Any, **options: Any) -> Run:
        if folder.endswith("b"):
            raise Out("CUDA out of memory\nat length")
        return opened(folder, *args, **options)

    monkeypatch.setattr(Run, "open", open_run)
    with pytest.raises(TrainingError, match=r"1 of 2 runs have failed, such as .*b, and the others are done"):
        train_several([order(tmp_path / name) for name in "bc"], OneByOne())
    said, errors = capsys.readouterr()
    assert "b: failed: Out: CUDA out of memory\n" in said
    assert "Traceback" in errors, "it may be an error in the user's own code"
    assert weights(tmp_path / "c")[0] == 3


def test_a_process_that_is_killed_is_one_sentence() -> None:
    with pytest.raises(LostProcess, match="One of the processes was killed"):
        list(ProcessPool(1).run(os._exit, [(9,)]))


@pytest.fixture
def own_signals() -> Any:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    several.stopped.clear()


@pytest.mark.usefixtures("own_signals")
def test_a_worker_that_was_stopped_begins_no_other_run(tmp_path: Path) -> None:
    several.stopped.append(signal.SIGTERM)
    assert train_there(order(tmp_path / "run")) == Ended(0, done=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("own_signals")
def test_a_machine_without_the_working_directory_says_so(tmp_path: Path) -> None:
    lost = Order(str(tmp_path / "run"), order(tmp_path).config, False, False, str(tmp_path / "not there"))
    end = train_there(lost)
    assert end.failed
    assert "cannot be entered on the machine" in end.said


@pytest.mark.skipif(os.name != "posix", reason="needs signals between processes")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 75), pytest.param(signal.SIGINT, 0, marks=pytest.mark.slow)]
)
def test_a_signal_saves_the_runs_that_train(number: signal.Signals, code: int, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ganache", "train", *POINTS, "--seeds", "3", "--workers", "2"]
    command += ["--steps", "10000000", "--record.log-every", "1", "--out", str(tmp_path / "runs")]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, **pipes) as run:
        folders = [tmp_path / "runs" / name for name in ("ring8-points", "ring8-points-seed1")]
        while not all((last_step(folder) or 0) > 2 for folder in folders):
            assert run.poll() is None
            time.sleep(0.05)
        run.send_signal(number)
        said, _ = run.communicate(timeout=60)
    assert run.returncode == code, said
    assert "Stopped: 0 of 3 runs are done, and the others saved" in said
    assert "Traceback" not in said
    for folder in folders:
        assert weights(folder)[0] == last_step(folder)
    assert not (tmp_path / "runs" / "ring8-points-seed2").exists()


def test_the_last_step_of_a_log(tmp_path: Path) -> None:
    assert last_step(tmp_path) is None
    for content, step in (("", None), ("{", None), (json.dumps({"step": 3}) + "\n" + json.dumps({"step": 4}), 4)):
        (tmp_path / "log.jsonl").write_text(content)
        assert last_step(tmp_path) == step


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workers", "0"], "--workers is 0"),
        (["--workers", "2", "--processes", "2"], "leave one out"),
        (["--cores", "1"], "--cores belongs to --workers or --on"),
        (["--workers", "2", "--cores", "0"], "--cores is 0"),
        (["--workers", "2", "--gpus", "1"], "--gpus to --on"),
        (["--on", "ray", "--gpus", "-1"], "--gpus is -1"),
        (["--on", "cloud"], "--on is 'cloud'"),
        (["--on", "ray", "--workers", "2"], "--workers and --on were given"),
    ],
)
def test_options_that_mean_nothing(words: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        train_command([*POINTS, "--steps", "1", "--out", str(tmp_path / "run"), *words])
    assert not (tmp_path / "run").exists()
