"""Checkpoints: complete or absent, damage is detected, and no code is executed from them."""

from __future__ import annotations

import json
import pickle
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganache.config.config import recipe, to_dict
from ganache.core import storage
from ganache.errors import CheckpointError
from ganache.methods import InfoGan
from ganache.networks import Mlp
from ganache.runs import checkpoint
from ganache.training import build

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "step": torch.tensor(7), "half": torch.ones(3).bfloat16()}


def test_saved_tensors_and_header_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    storage.save(path, TENSORS, {"step": 7, "config": {"seed": 1}})
    tensors, header = storage.load(path)
    assert header["step"] == 7
    assert header["config"] == {"seed": 1}
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert [file.name for file in tmp_path.iterdir()] == ["one.safetensors"], "no temporary file is left"


def test_any_damaged_byte_is_found(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    storage.save(path, TENSORS, {"step": 7})
    whole = path.read_bytes()

    @given(place=st.integers(0, len(whole) - 1), bit=st.integers(0, 7))
    def damaged(place: int, bit: int) -> None:
        broken = bytearray(whole)
        broken[place] ^= 1 << bit
        path.write_bytes(broken)
        with suppress(CheckpointError):
            # Not refused: then the bit is in the header's text, and no tensor has changed.
            tensors, header = storage.load(path)
            assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
            assert header != {"format": 1, "sha256": header["sha256"], "step": 7}

    damaged()


@pytest.mark.parametrize("cut", [0, 1, 8, 100, -1])
def test_a_file_cut_short_is_found(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "one.safetensors"
    storage.save(path, TENSORS, {"step": 7})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CheckpointError):
        storage.load(path)
    assert storage.read_header(path) == {} or cut == -1


class Evil:
    def __reduce__(self):  # type: ignore[no-untyped-def]
        return (Path.touch, (Path("executed"),))


def test_a_pickle_is_refused_and_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "one.safetensors"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(CheckpointError):
        storage.load(path)
    torch.save(Evil(), path)
    with pytest.raises(CheckpointError):
        storage.load(path)
    assert not Path("executed").exists()


@pytest.mark.parametrize("name", ["gan-mlp", "wgan-article"])
def test_a_state_is_restored_to_the_bit(name: str, tmp_path: Path) -> None:
    """Adam's and RMSprop's moments and the running statistics too, after a few real steps."""
    from itertools import islice

    from ganache.training.loop import train

    resolved = build.resolve(recipe(name, batch=4))
    shape = (1, 28, 28)

    class Noise:
        def __getitem__(self, index: int) -> torch.Tensor:
            return torch.rand(4, *shape, generator=torch.Generator().manual_seed(index)) * 2 - 1

        def labels(self, index: int) -> None:
            return None

    def steps(state, n):  # type: ignore[no-untyped-def]
        list(islice(train(state, resolved.method, Noise(), resolved.prior, build.plan(resolved)), n))

    state = build.state(resolved, shape)
    steps(state, 2)
    path = tmp_path / "one.safetensors"
    header = {"step": state.step, "batch_index": state.batch_index, "seconds": 1.0}
    storage.save(path, checkpoint.state_tensors(state), header)
    other = build.state(resolved, shape)
    checkpoint.restore(other, *storage.load(path))
    assert (other.step, other.batch_index) == (2, 2)
    steps(state, 2), steps(other, 2)
    one, two = checkpoint.state_tensors(state), checkpoint.state_tensors(other)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    small, large = (build.state(build.resolve(recipe("gan-mlp")), shape) for shape in ((2,), (1, 8, 8)))
    header = {"step": 0, "batch_index": 0, "seconds": 0.0}
    with pytest.raises(CheckpointError, match="another network"):
        checkpoint.restore(large, checkpoint.state_tensors(small), header)
    json.dumps(header)


def test_the_critic_is_loaded_with_the_heads_of_its_method(tmp_path: Path) -> None:
    config = recipe("gan-mlp", data="ring8")
    config = replace(config, network=Mlp(z_dim=20, hidden=8), method=InfoGan())
    state = build.state(build.resolve(config), (2,))
    header = {"step": 1, "config": to_dict(config), "image_shape": [2]}
    path = tmp_path / "000000001.safetensors"
    storage.save(path, checkpoint.state_tensors(state), header)
    critic, x = checkpoint.load_critic(path), torch.randn(5, 2)
    state.critic.eval()
    assert torch.equal(critic(x), state.critic(x))
    assert torch.equal(critic.read_codes(critic.features(x)), state.critic.read_codes(state.critic.features(x)))
