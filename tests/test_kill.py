"""After SIGKILL at any moment, the same command ends with the same bits as an uninterrupted run."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch

from forked import run_python, started_python
from ganache.core import checkpoint_file
from ganache.runs.folder import find_checkpoint
from killed import NETWORKS

CODE = "import killed; killed.main()"


def ended(folder: Path) -> tuple[dict[str, torch.Tensor], bytes, list[int]]:
    """The final tensors, the final samples, and the steps of the log."""
    tensors, _ = checkpoint_file.load(find_checkpoint(folder))
    steps = [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]
    return tensors, (folder / "samples.png").read_bytes(), steps


def assert_same_end(one: Path, other: Path) -> None:
    (tensors, picture, steps), (tensors_2, picture_2, steps_2) = ended(one), ended(other)
    assert tensors.keys() == tensors_2.keys()
    assert all(torch.equal(tensors[name], tensors_2[name]) for name in tensors)
    assert picture == picture_2
    assert steps == steps_2
    assert not list((other / "checkpoints").glob(".*")), "no temporary file is left"


def run_process(network: str, folder: Path, steps: int, *trap: object) -> int:
    """Run killed.py in a process of its own, and return the exit code."""
    return run_python(CODE, network, str(folder), str(steps), *map(str, trap)).returncode


@pytest.fixture(
    scope="module",
    params=[name if name == "style-half" else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS],
)
def never_stopped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert run_process(request.param, folder, 12) == 0
    return request.param, folder


@pytest.mark.parametrize(
    ("where", "times"),
    [("half a checkpoint", 3), ("before the rename", 4), ("after the rename", 5), ("half a line", 7)],
)
def test_killed_while_writing(never_stopped: tuple[str, Path], tmp_path: Path, where: str, times: int) -> None:
    (network, whole), folder = never_stopped, tmp_path / "run"
    assert run_process(network, folder, 12, where, times) == -signal.SIGKILL
    assert run_process(network, folder, 12) == 0
    assert_same_end(whole, folder)


KILLS, PARTS = 100, 4


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_a_hundred_times(part: int, tmp_path: Path) -> None:
    """Each run is killed twice: at a moment of its own, and as soon as a checkpoint is started after another one."""
    steps, network = 40, list(NETWORKS)[part % len(NETWORKS)]
    whole = tmp_path / "whole"
    start_of_training = time.monotonic()
    assert run_process(network, whole, steps) == 0
    length = time.monotonic() - start_of_training
    moments, kills, writing = random.Random(part), 0, 0
    while kills < KILLS // PARTS:
        folder = tmp_path / f"run{kills}"
        share = (part + kills * PARTS / KILLS) / (1.25 * PARTS)  # of all parts, spread over most of the run
        for earliest, wait_for_a_checkpoint in ((share, False), (moments.uniform(0, 0.4), True)):
            seconds = (earliest + moments.uniform(0, 0.016)) * length
            code = killed(network, folder, steps, seconds, wait_for_a_checkpoint)
            kills += code == -signal.SIGKILL  # the others had ended before
            writing += bool(half_written(folder))
        assert run_process(network, folder, steps) == 0
        assert_same_end(whole, folder)
        shutil.rmtree(folder)
    assert writing >= KILLS // PARTS // 4


def killed(network: str, folder: Path, steps: int, seconds: float, wait_for_a_checkpoint: bool) -> int:
    """Kill a run `seconds` after its start, or when a checkpoint is being written after them; return its exit code."""
    with started_python(CODE, network, str(folder), str(steps)) as process:
        end = time.monotonic() + seconds
        while runs(process.pid) and (time.monotonic() < end or (wait_for_a_checkpoint and not half_written(folder))):
            time.sleep(0.0005)
        if runs(process.pid):
            os.kill(process.pid, signal.SIGKILL)
        return process.wait()


def runs(pid: int) -> bool:
    """Whether a process has not ended yet."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def half_written(folder: Path) -> list[Path]:
    return list((folder / "checkpoints").glob(".*"))
