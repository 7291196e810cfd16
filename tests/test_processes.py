"""Several processes that train together do what one process does, for every recipe."""

from __future__ import annotations

import copy
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import Tensor, nn

from ganache.config import recipes
from ganache.config.config import Config, recipe
from ganache.config.sections import PrecisionConfig
from ganache.data import Stream
from ganache.training import build
from ganache.training.loop import train
from ganache.training.processes import ALONE, Processes
from ganache.training.state import State

BATCH, PART = 16, 4
SMALL = {"width": 4, "max_width": 16, "hidden": 16, "w_dim": 8}
QUICK = ("faces", "wgan-article", "dragan")
"""Critics of features and batch norm; a step per term; a penalty at random points."""


def small(name: str) -> Config:
    """Return a recipe with small networks, in float32, whose batches are computed in parts."""
    source = "ring8" if name == "points" else "faces"
    settings = recipe(name, data=source)
    known = {field.name for field in fields(settings.network)}
    network = replace(settings.network, **{k: v for k, v in SMALL.items() if k in known})  # type: ignore[type-var]
    size = None if name == "points" else "32"
    data = replace(settings.data, count=60, size=size, held_out=0.0, typical=1.0, channels=None)
    schedule = replace(settings.schedule, batch=BATCH, micro_batch=PART, boost_first=0, critic_steps=2)
    return replace(settings, network=network, data=data, schedule=schedule, precision=PrecisionConfig("float32"))


class InDouble:
    """A stream in float64."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def __getitem__(self, index: int) -> Tensor:
        return self.stream[index].double()

    def labels(self, index: int) -> Tensor | None:
        return self.stream.labels(index)


def trained(config: Config, processes: Processes, steps: int) -> State:
    """Return the state after some steps in float64."""
    resolved = replace(build.resolve(config), processes=processes)
    data = build.load_dataset(resolved)
    state = build.state(resolved, data.image_shape)
    for network in (state.generator, state.critic, state.average):
        network.double()
    batches = InDouble(build.stream(resolved, data))
    torch.set_default_dtype(torch.float64)  # of the latents
    reports = train(state, resolved.method, batches, resolved.prior, build.plan(resolved))
    for _ in range(steps):
        report = next(reports)
    torch.set_default_dtype(torch.float32)
    assert all(term.isfinite() for term in (*report.d.values(), *report.g.values()))
    return state


def gradients(state: State) -> list[Tensor]:
    networks: tuple[nn.Module, ...] = (state.generator, state.critic)
    return [p.grad for network in networks for p in network.parameters() if p.grad is not None]


def tensors(state: State) -> list[Tensor]:
    """Weights and buffers."""
    networks: tuple[nn.Module, ...] = (state.generator, state.critic, state.average)
    return [tensor for network in networks for tensor in network.state_dict().values()]


def distance(found: list[Tensor], expected: list[Tensor]) -> float:
    """Return the largest difference, divided by the largest number of the tensor, or by 1e-3 if that is larger.

    A bias before a batch norm has a gradient of 0, but for rounding.
    """
    assert len(found) == len(expected) > 0
    pairs = ((a.double(), b.double()) for a, b in zip(found, expected, strict=True))
    return max(float((a - b).abs().max() / b.abs().max().clamp_min(1e-3)) for a, b in pairs)


def compare(rank: int, world: int, folder: str, names: tuple[str, ...], steps: int) -> None:
    """In each process: train together and alone, and write how far apart they end."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=world)
    together = Processes(rank, world)
    found: dict[str, Any] = {}
    for name in names:
        config = small(name)
        one, several = (trained(config, processes, 1) for processes in (ALONE, together))
        found[name] = {"gradients": distance(gradients(several), gradients(one))}
        one, several, again = (trained(config, processes, steps) for processes in (ALONE, together, together))
        found[name]["weights"] = distance(tensors(several), tensors(one))
        found[name]["same"] = all(torch.equal(a, b) for a, b in zip(tensors(several), tensors(again), strict=True))
        mine = tensors(several)
        for tensor in mine:
            first = copy.deepcopy(tensor)
            dist.broadcast(first, 0)
            found[name]["same"] &= torch.equal(first, tensor)
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def launched(world: int, folder: Path, names: tuple[str, ...], steps: int) -> list[dict[str, Any]]:
    mp.spawn(compare, (world, str(folder), names, steps), nprocs=world)  # type: ignore[no-untyped-call]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(world)]


def check(world: int, folder: Path, names: tuple[str, ...], steps: int = 10) -> None:
    for found in launched(world, folder, names, steps):
        assert found.keys() == set(names)
        for name, numbers in found.items():
            assert numbers["gradients"] < 1e-6, name
            assert numbers["weights"] < 1e-5, name
            assert numbers["same"], name


def test_two_processes_train_as_one(tmp_path: Path) -> None:
    check(2, tmp_path, QUICK, steps=3)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("world", [2, 4])
def test_every_recipe_trains_in_several_processes_as_in_one(world: int, tmp_path: Path) -> None:
    check(world, tmp_path, tuple(recipes.names()))
