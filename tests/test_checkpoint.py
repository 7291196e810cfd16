"""Checkpoints: complete or absent, damage is detected, and no code is executed from them."""

from __future__ import annotations

import errno
import json
import math
import os
import pickle
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from ganache.config.config import recipe, to_dict
from ganache.core import checkpoint_file
from ganache.errors import CheckpointError, DamagedCheckpoint
from ganache.methods import InfoGan
from ganache.networks import Mlp
from ganache.runs import checkpoint
from ganache.training import build

HEADER = {"step": 7, "batch_index": 7, "seconds": 1.5, "config": {"seed": 1}, "image_shape": [3, 8, 8]}
TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "step": torch.tensor(7), "half": torch.ones(3).bfloat16()}


def test_saved_tensors_and_header_are_loaded(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    checkpoint_file.save(path, TENSORS, HEADER)
    tensors, header = checkpoint_file.load(path)
    assert header["step"] == 7
    assert header["config"] == {"seed": 1}
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert [file.name for file in tmp_path.iterdir()] == ["one.safetensors"], "no temporary file is left"


def test_the_file_is_one_of_the_library(tmp_path: Path) -> None:
    """Whatever the type, the size and the order in memory: it is written by our own code."""
    tensors = {str(dtype): (3 * torch.randn(2, 5)).to(dtype) for dtype in checkpoint_file.DTYPES}
    tensors |= {"empty": torch.empty(0, 3), "turned": torch.randn(4, 3).T, "part": torch.arange(9)[2:7:2]}
    tensors["images"] = torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    path = tmp_path / "all.safetensors"
    checkpoint_file.save(path, tensors, HEADER)
    loaded = load_file(path)
    assert loaded.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert loaded[name].dtype is tensor.dtype
        assert loaded[name].equal(tensor)
    assert path.read_bytes()[8:].index(b"{") == 0
    assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0, "tensors begin at a multiple of eight bytes"


def test_any_damaged_byte_is_found(tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    checkpoint_file.save(path, TENSORS, HEADER)
    whole = path.read_bytes()

    @given(place=st.integers(0, len(whole) - 1), bit=st.integers(0, 7))
    def damaged(place: int, bit: int) -> None:
        broken = bytearray(whole)
        broken[place] ^= 1 << bit
        path.write_bytes(broken)
        with suppress(CheckpointError):
            # Not refused: then the bit is in the header's text, and no tensor has changed.
            tensors, header = checkpoint_file.load(path)
            assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
            assert header != {"format": 1, "sha256": header["sha256"], **HEADER}

    damaged()


@pytest.mark.parametrize("cut", [0, 1, 8, 100, -1])
def test_a_file_cut_short_is_found(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "one.safetensors"
    checkpoint_file.save(path, TENSORS, HEADER)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CheckpointError):
        checkpoint_file.load(path)
    assert checkpoint_file.read_header(path) == {} or cut == -1


@pytest.mark.parametrize(("number", "words"), [(2, "by a later version of ganache"), (math.inf, "as a checkpoint")])
def test_a_file_of_a_later_format_is_refused(tmp_path: Path, number: float, words: str) -> None:
    path = tmp_path / "one.safetensors"
    checkpoint_file.save(path, TENSORS, HEADER | {"format": number})
    with pytest.raises(CheckpointError, match=words):
        checkpoint_file.load(path)


class Evil:
    def __reduce__(self):  # type: ignore[no-untyped-def]
        return (Path.touch, (Path("executed"),))


def test_a_pickle_is_refused_and_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "one.safetensors"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(CheckpointError):
        checkpoint_file.load(path)
    torch.save(Evil(), path)
    with pytest.raises(CheckpointError):
        checkpoint_file.load(path)
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
    header = HEADER | {"step": state.step, "batch_index": state.batch_index}
    checkpoint_file.save(path, checkpoint.state_tensors(state), header)
    other = build.state(resolved, shape)
    checkpoint.restore(other, *checkpoint_file.load(path))
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
    header = HEADER | {"config": to_dict(config), "image_shape": [2]}
    path = tmp_path / "000000001.safetensors"
    checkpoint_file.save(path, checkpoint.state_tensors(state), header)
    critic, x = checkpoint.load_critic(path), torch.randn(5, 2)
    state.critic.eval()
    assert torch.equal(critic(x), state.critic(x))
    assert torch.equal(critic.read_codes(critic.features(x)), state.critic.read_codes(state.critic.features(x)))


@pytest.mark.parametrize("name", HEADER)
@pytest.mark.parametrize("value", [None, -1, 1.5, 1e308, math.inf, True, "x", [], {}, [1] * 99, "a" * 10**6])
def test_a_header_with_a_field_of_another_kind_is_damaged(name: str, value: Any, tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    allowed = (name == "seconds" and value in (1.5, 1e308)) or (name == "config" and value == {})
    checkpoint_file.save(path, TENSORS, HEADER | {name: value})
    if allowed:
        assert checkpoint_file.read_header(path)[name] == value
        return
    with pytest.raises(DamagedCheckpoint) as raised:
        checkpoint_file.load(path)
    assert len(str(raised.value)) < 300
    assert checkpoint_file.read_header(path) == {}


def test_what_cannot_be_read_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.safetensors"
    checkpoint_file.save(path, TENSORS, HEADER)
    link = tmp_path / "link.safetensors"
    link.symlink_to(path)
    pipe = tmp_path / "pipe.safetensors"
    os.mkfifo(pipe)
    opened = os.open

    def fail(*args: Any) -> int:
        if args[0] == path:
            raise OSError(errno.EIO, "Input/output error")
        return opened(*args)

    monkeypatch.setattr(os, "open", fail)
    for each, why in ((path, "Input/output error"), (link, "it is a link"), (pipe, "not an ordinary file")):
        for read in (checkpoint_file.load, checkpoint_file.read_header):
            with pytest.raises(CheckpointError, match=why) as raised:
                read(each)
            assert not isinstance(raised.value, DamagedCheckpoint)
