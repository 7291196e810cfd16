"""Recorded turns: with a recorder that, like a CUDA graph, repeats tensor operations and nothing of Python's, every
method ends with the same bits as without."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from ganache.config.config import Config, from_dict
from ganache.config.sections import OptimiserConfig
from ganache.fastconv.kernels import loading
from ganache.functional import augment
from ganache.methods import METHODS
from ganache.runs import checkpoint
from ganache.training import build
from ganache.training.cuda_graphs import Work, replayed
from ganache.training.loop import set_learning_rate, train
from ganache.training.optimisers import optimiser
from ganache.training.state import Plan, State


@pytest.fixture(autouse=True)
def _as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU does not use the compiled kernels, whose work a tape could not record, nor shift images one by one."""
    monkeypatch.setattr(loading, "library", lambda: None)
    monkeypatch.setattr(augment, "shifted_one_by_one", augment.shifted_at_once)


class Tape(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records every operation on tensors, and repeats them on the same memory."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.calls: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # one_hot reads integers, but on a CPU only.
        reads = func is torch.ops.aten._local_scalar_dense.default and args[0].is_floating_point()
        assert not reads, "a value is read, which a GPU cannot do during a recording"
        given, named = tree_map(alias, (args, kwargs or {}))
        out = func(*args, **(kwargs or {}))
        self.calls.append((func, given, named, tree_map(alias, out)))
        return out

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, out in self.calls:
            again = func(*args, **kwargs)
            fresh = [each.alias_info is None for each in func._schema.returns]
            if all(fresh) and fresh:  # a view follows the memory it shares
                for old, new in zip(tree_leaves(out), tree_leaves(again), strict=True):
                    if isinstance(old, Tensor):
                        old.copy_(new)


def alias(value: Any) -> Any:
    """The same memory with its current shape, which autograd changes for some tensors later."""
    return value.detach() if isinstance(value, Tensor) else value


class Tapes:
    """A recorder without a GPU. It executes the work while recording it, so it skips the first replay."""

    def run(self, work: Work) -> None:
        work()

    def record(self, work: Work) -> Work:
        tape = Tape()
        done: list[bool] = []
        with tape:
            work()

        def replay() -> None:
            if done:
                tape.replay()
            done.append(True)

        return replay


BASE = {
    "device": "cpu",
    "data": {"source": "faces", "count": 40, "size": "16", "flip": True},
    "network": {"name": "dcgan", "z_dim": 16, "width": 4, "critic_norm": "layer"},
    "schedule": {"batch": 4, "critic_steps": 2, "ema_half_life": 20.0},
    "record": {"log_every": 2},
}

SETTINGS: dict[str, dict[str, Any]] = {
    **{name: {"method": {"name": name}} for name in METHODS},
    "rmsprop, clipped gradients": {"critic_optimiser": {"name": "rmsprop", "clip_value": 0.1}},
    "batch norm": {"network": {"critic_norm": "batch"}},
    "the critic's latents again": {"schedule": {"fresh_latents": False}},
    "spectral norm and attention": {
        "network": {"critic_norm": "none", "critic_spectral": True, "generator_spectral": True, "attention": 8}
    },
    "augmentation": {"view": {"augment": ["colour", "translation", "cutout"], "augment_p": 0.5}},
    "added penalties": {"penalty": {"r1": 1.0, "r2": 1.0, "weight": 1.0}},
    "a critic that wants more steps": {"schedule": {"boosted_critic_steps": 4, "boost_first": 2, "boost_every": 5}},
    "one critic step, and more at times": {
        "schedule": {"critic_steps": 1, "boosted_critic_steps": 3, "boost_every": 4}
    },
    "one term at a time": {"schedule": {"separate_critic_terms": True}},
    "dropout": {"data": {"size": "24"}, "network": {"name": "anime-article", "width": 4}},
    "residual": {"network": {"name": "residual", "width": 4, "critic_norm": "layer"}},
}


def settings(name: str) -> Config:
    changes = dict(SETTINGS[name])
    network = changes.get("network", {})
    base = {key: value for key, value in BASE.items() if key != "network" or "name" not in network}
    return from_dict(changes, from_dict(base))


def shape(config: Config) -> tuple[int, ...]:
    return (3, *(config.data.height_width() or ()))


class Drawn:
    """Batches with labels, as a function of their index."""

    def __init__(self, config: Config) -> None:
        self.shape = shape(config)

    def __getitem__(self, index: int) -> Tensor:
        return torch.rand(4, *self.shape, generator=torch.Generator().manual_seed(index)) * 2 - 1

    def labels(self, index: int) -> Tensor:
        return torch.randint(3, (4,), generator=torch.Generator().manual_seed(index))


def ends(config: Config, plan: Plan, state: State, steps: int) -> list[Tensor]:
    """All tensors that a resumed run needs, and all that was reported."""
    reported = []
    resolved = build.resolve(config)
    for report in islice(train(state, resolved.method, Drawn(config), resolved.prior, plan), steps):
        reported.append([report.d_gradient_norm, report.g_gradient_norm])
        reported[-1] += [term for terms in (report.d, report.g, report.estimates) for term in terms.values()]
        torch.rand(3), state.generator.eval()(torch.randn(2, config.network.z_dim)), state.generator.train()
    return [*checkpoint.state_tensors(state).values(), *(each for line in reported for each in line)]


def same(config: Config, make: Callable[[], State] | None = None) -> None:
    make = make or (lambda: build.state(build.resolve(config), shape(config)))
    written = build.plan(build.resolve(config))
    recorded = replace(written, step_runner=partial(replayed, recorder=Tapes))
    whole, state = ends(config, written, make(), 8), make()
    pairs = list(zip(whole, ends(config, recorded, state, 8), strict=True))
    assert [index for index, (a, b) in enumerate(pairs) if not torch.equal(a, b)] == []
    parts = make()
    ends(config, recorded, parts, 5), ends(config, recorded, parts, 3)
    tensors = (checkpoint.state_tensors(each) for each in (state, parts))
    assert all(torch.equal(a, b) for a, b in zip(*(each.values() for each in tensors), strict=True))


@pytest.mark.parametrize("name", SETTINGS)
def test_replayed_steps_give_the_same_bits(name: str) -> None:
    same(settings(name))


def test_labels_are_copied_into_the_recording() -> None:
    config = settings("hinge")
    same(replace(config, data=replace(config.data, classes=3)))


def test_a_recorded_step_follows_the_learning_rate() -> None:
    """On a GPU the rate is a tensor; a Python number would keep its value at the time of recording."""
    fading = OptimiserConfig(lr=0.01, decay=0.5)
    config = replace(settings("gan"), critic_optimiser=fading, generator_optimiser=fading)

    def with_tensors() -> State:
        state = build.state(build.resolve(config), shape(config))
        cpu = torch.device("cpu")
        state.d_optimiser = optimiser(fading, state.critic, cpu, recorded=True)
        state.g_optimiser = optimiser(fading, state.generator, cpu, recorded=True)
        return state

    same(config, with_tensors)
    copied = copy.deepcopy(with_tensors().d_optimiser)
    set_learning_rate(copied, 0.25)
    assert float(copied.param_groups[0]["lr"]) == 0.25


def test_steps_in_which_python_decides_something_are_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    config = from_dict({"precision": {"cuda_graphs": True}}, settings("gan"))
    monkeypatch.setattr(build, "choose_device", lambda name: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    assert build.resolve(config).cuda_graphs
    off: list[dict[str, Any]] = [
        {"view": {"noise": 0.1}},
        {"view": {"augment": ["colour"], "adaptive": True}},
        {"critic_optimiser": {"name": "sgd"}},
        {"precision": {"cuda_graphs": False}},
    ]
    assert [build.resolve(from_dict(each, config)).cuda_graphs for each in off] == [False] * len(off)
    monkeypatch.setattr(build, "choose_device", lambda name: torch.device("cpu"))
    assert not build.resolve(config).cuda_graphs
