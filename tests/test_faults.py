"""Whichever file operation of a run fails, the next start ends with the same bits and never begins again at step 0.

As SQLite's tests do: the n-th operation below the run's folder fails, for every n. `faults.c` is preloaded to do so.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from forked import run_python
from ganache.core import checkpoint_file
from ganache.runs.folder import checkpoints, find_checkpoint

pytestmark = pytest.mark.skipif(not shutil.which("cc") or os.uname().sysname != "Linux", reason="needs Linux and cc")

TRAIN = """
import ctypes, sys
from ganache.cli import main
folder, steps = sys.argv[1:]
try:
    main(["train", "ring8", "--recipe", "gan-mlp", "--network.hidden", "8", "--batch", "8", "--record.log-every", "1",
          "--record.checkpoint-every", "2", "--record.sample-every", "2", "--steps", steps, "--out", folder])
finally:
    print("operations:", ctypes.CDLL(None).fault_operations())
"""
ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("faults") / "faults.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", path, Path(__file__).with_name("faults.c"), "-ldl"], check=True)
    return str(path)


def train(library: str, folder: Path, steps: int, at: int = 0, error: int = 0) -> tuple[int, str, int]:
    """Train with a fault, or without; return (exit code, everything printed, file operations)."""
    variables = {"FAULT_FOLDER": str(folder), "FAULT_AT": str(at), "FAULT_ERRNO": str(error)}
    done = run_python(TRAIN, str(folder), str(steps), preload=library, **variables)
    operations = int(done.stdout.rpartition("operations: ")[2])
    return done.returncode, done.stdout + done.stderr, operations


@pytest.fixture(scope="module")
def runs(library: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run that was never disturbed, and the first half of it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert train(library, folder / "whole", 4)[0] == 0
    assert train(library, folder / "half", 2)[0] == 0
    return {"whole": folder / "whole", "half": folder / "half"}


def bits(folder: Path) -> dict[str, torch.Tensor]:
    return checkpoint_file.load(find_checkpoint(folder))[0]


def disturbed(library: str, runs: dict[str, Path], folder: Path, start: str, at: int, error: int) -> bool:
    """Train with a fault, then without, and compare the end; return whether there are as many as `at` operations."""
    shutil.rmtree(folder, ignore_errors=True)
    if start == "half":
        shutil.copytree(runs["half"], folder)
    code, printed, operations = train(library, folder, 4, at, error)
    what = f"{start}, operation {at}, {errno.errorcode[error]}: {printed}"
    assert code in (0, 2), what
    assert "Traceback" not in printed, what
    assert not list(folder.rglob("*.damaged*")), what
    newest = max((int(path.stem) for path in checkpoints(folder)), default=0)
    code, printed, _ = train(library, folder, 4)
    assert code == 0, what + printed
    assert newest in (0, 4) or f"resumes at step {newest}" in printed, what + printed
    assert newest >= (2 if start == "half" else 0), what
    one, other = bits(folder), bits(runs["whole"])
    assert all(torch.equal(one[name], other[name]) for name in other), what
    assert (folder / "samples.png").read_bytes() == (runs["whole"] / "samples.png").read_bytes(), what
    assert not list(folder.rglob(".part-*")), what
    return operations >= at


@pytest.mark.parametrize("start", ["nothing", "half"])
def test_some_operations_fail(library: str, runs: dict[str, Path], tmp_path: Path, start: str) -> None:
    first = {"nothing": 1, "half": 30}[start]
    for number, at in enumerate(range(first, 400, 58)):
        if not disturbed(library, runs, tmp_path / "run", start, at, ERRORS[number % 3]):
            return


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("start", ["nothing", "half"])
@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_every_operation_fails(library: str, runs: dict[str, Path], tmp_path: Path, start: str, error: int) -> None:
    at = 1
    while disturbed(library, runs, tmp_path / "run", start, at, error):
        at += 1
    assert at > 100
