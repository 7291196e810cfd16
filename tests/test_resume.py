"""Stopped, saved and reopened: every method and every kind of state ends with the same bits."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ganache.config.config import Config, from_dict
from ganache.core import checkpoint_file
from ganache.errors import CheckpointError
from ganache.methods import METHODS
from ganache.runs.folder import checkpoints, find_checkpoint
from ganache.runs.run import Run

BASE = {
    "data": {"source": "faces", "count": 40, "size": "16", "flip": True},
    "network": {"name": "dcgan", "z_dim": 16, "width": 4, "critic_norm": "layer"},
    "generator_optimiser": {"lr": 0.01},
    "schedule": {"batch": 4, "steps": 8, "critic_steps": 2, "ema_half_life": 20.0},
    "record": {"log_every": 1, "sample_every": 100, "samples": 4, "checkpoint_every": 100},
}

STATES = {
    "rmsprop": {"critic_optimiser": {"name": "rmsprop"}, "generator_optimiser": {"name": "rmsprop"}},
    "sgd with momentum": {"critic_optimiser": {"name": "sgd"}, "generator_optimiser": {"name": "sgd"}},
    "batch norm": {"network": {"critic_norm": "batch"}},
    "spectral norm and attention": {
        "network": {"critic_norm": "none", "critic_spectral": True, "generator_spectral": True, "attention": 8}
    },
    "adaptive augmentation": {"view": {"augment": ["colour", "cutout"], "adaptive": True, "adaptive_images": 100}},
    "instance noise": {"view": {"noise": 0.5, "noise_steps": 6}},
    "added penalties": {"penalty": {"r1": 1.0, "r2": 1.0, "weight": 1.0}},
    "critics of pretrained features": {
        "data": {"size": "32"},
        "network": {"critic_norm": "batch"},
        "method": {"name": "lsgan"},
        "projected": {"weight": 0.5, "share": 0.5},
    },
    "no average": {"schedule": {"ema_half_life": None}},
    "boosted critic steps": {"schedule": {"boosted_critic_steps": 4, "boost_first": 2, "boost_every": 5}},
    "micro-batches": {"schedule": {"batch": 6, "micro_batch": 4}},
    "styles": {
        "network": {"name": "style", "z_dim": 8, "w_dim": 8, "width": 4, "max_width": 8, "mixing": 0.9},
        "penalty": {"r1": 1.0, "every": 3, "path_length": 2.0, "path_length_every": 2},
    },
    "separate critic terms": {"schedule": {"separate_critic_terms": True}},
}


def ends(folder: Path, config: Config, stops: tuple[int, ...]) -> dict[str, torch.Tensor]:
    """The tensors of the last checkpoint of a run that was stopped after these steps and reopened."""
    for stop in stops:
        run = Run.open(folder, config)
        assert next(step.step for step in run.training() if step.step == stop) == stop
        run.save(scored=False)
        run.close()
    run = Run.open(folder, config)
    list(run.training())
    run.save(scored=False)
    run.close()
    tensors, header = checkpoint_file.load(find_checkpoint(folder))
    assert header["step"] == 8
    return tensors | {"augment_p": torch.tensor(header["augment_p"])}


def compare(folder: Path, config: Config) -> None:
    whole, parts = ends(folder / "whole", config, ()), ends(folder / "parts", config, (3, 5))
    assert whole.keys() == parts.keys()
    assert [name for name in whole if not torch.equal(whole[name], parts[name])] == []


@pytest.mark.parametrize("name", METHODS)
def test_every_method_resumes_to_the_bit(name: str, tmp_path: Path) -> None:
    compare(tmp_path, from_dict({"method": {"name": name}}, from_dict(BASE)))


@pytest.mark.parametrize("state", STATES)
def test_every_kind_of_state_is_restored(state: str, tmp_path: Path) -> None:
    compare(tmp_path, from_dict(STATES[state], from_dict(BASE)))


@pytest.mark.parametrize("every", [2, 5])
def test_a_run_that_lost_its_checkpoints_starts_again_only_with_force(every: int, tmp_path: Path) -> None:
    """A run that was killed before its first checkpoint, or while this was saved, has lost none."""
    config = from_dict({**BASE, "record": {**BASE["record"], "checkpoint_every": every}})
    run = Run.open(tmp_path, config)
    for step in run.training():
        if step.step == 5:
            break
    run.close()
    for path in checkpoints(tmp_path):
        path.unlink()
    if every == 2:
        with pytest.raises(CheckpointError, match=r"trained for 5 steps, and has no checkpoint any more: .* --force"):
            Run.open(tmp_path, config)
        assert '"step": 5' in (tmp_path / "log.jsonl").read_text(), "nothing was changed"
    run = Run.open(tmp_path, config, force=every == 2)
    assert run.state.step == 0
    run.close()
