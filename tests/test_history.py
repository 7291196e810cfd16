"""Snapshots of the generator over the whole training: few, early and late, and never in the way."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch

import ganache
from ganache.core.checkpoint_file import load
from ganache.core.rendering import render
from ganache.errors import CheckpointError
from ganache.functional.latents import from_seeds
from ganache.playground import Library
from ganache.runs.checkpoint import load_critic
from ganache.runs.file_names import history_path
from ganache.runs.folder import at_step, checkpoints, find_checkpoint, snapshots
from ganache.runs.history import MAX_SNAPSHOTS, steps_to_keep
from playground_client import FACES, train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("history") / "run", FACES, "--steps", "9", "--record.checkpoint-every", "4")


def test_the_steps_are_few_early_and_late_and_depend_on_the_step_alone() -> None:
    before: list[int] = []
    for step in range(1, 6_000):
        now = steps_to_keep(step)
        assert len(now) <= MAX_SNAPSHOTS
        assert set(now) <= {*before, step}, "what was removed never comes back"
        before = now
    assert sum(step <= 100 for step in steps_to_keep(5_999)) >= 4
    gaps = np.diff(np.cbrt(before[1:]))
    assert gaps.max() - gaps.min() < 0.1, "evenly spaced in the cube root"


def test_a_run_keeps_snapshots_and_commands_and_pages_find_them(run: Path) -> None:
    assert [int(path.stem) for path in snapshots(run)] == steps_to_keep(9)
    path = find_checkpoint(run, "3")
    assert path == history_path(run, 3)
    assert at_step(path) == (run, "3")
    tensors, header = load(path)
    assert {tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()} == {torch.float16}
    assert {name.split(".")[0] for name in tensors} == {"average"}
    assert header["step"] == 3
    assert os.path.getsize(path) < os.path.getsize(checkpoints(run)[-1]) / 8
    library = Library([str(run)])
    (about,) = library.hello()["runs"]
    assert set(steps_to_keep(9)) <= set(about["steps"])
    assert about["step"] == 9
    assert about["best"] in {int(path.stem) for path in checkpoints(run)}


def test_a_snapshot_makes_the_pictures_of_its_step(tmp_path: Path) -> None:
    # At the recipe's rate tiny pictures are saturated after 8 steps, and float16 changes a few values by up to 10.
    words = ["--steps", "8", "--record.checkpoint-every", "4", "--generator-optimiser.lr", "1e-4"]
    run, pictures = train(tmp_path / "run", FACES, *words), []
    for path in (find_checkpoint(run, "8"), history_path(run, 8)):
        generator, config, _ = ganache.load_generator(path)
        pictures.append(render(generator, from_seeds(ganache.prior(config), [0, 1])).astype(int))
    assert find_checkpoint(run, "8") in checkpoints(run), "a checkpoint goes first"
    assert np.abs(pictures[0] - pictures[1]).max() <= 2


def test_what_a_snapshot_lacks_is_said(run: Path) -> None:
    with pytest.raises(CheckpointError, match="needs the critic"):
        load_critic(history_path(run, 3))
    with pytest.raises(CheckpointError, match="needs the generator"):
        ganache.load_generator(history_path(run, 3), average=False)


def test_a_run_goes_on_without_its_snapshots_and_where_they_cannot_be_written(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "run"
    train(other, FACES, "--steps", "4", "--record.checkpoint-every", "4")
    for path in snapshots(other):
        path.unlink()
    history_path(other, 8).mkdir()
    train(other, FACES, "--steps", "9", "--record.checkpoint-every", "4")
    first, second = (load(checkpoints(each)[-1], "average.")[0] for each in (run, other))
    assert all(torch.equal(first[name], second[name]) for name in first), "the training is the same to the bit"
    assert [int(path.stem) for path in snapshots(other) if path.is_file()] == []
