"""The part `graphs` of `bench/gpu.py`: whether steps recorded as CUDA graphs give the same bits as eager steps, and the
time that they save."""

from __future__ import annotations

import statistics
import traceback
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from ganache.config.config import Config, from_dict, recipe
from ganache.data import Dataset, Stream
from ganache.runs import checkpoint
from ganache.training import build
from ganache.training.device import set_determinism
from ganache.training.loop import train
from ganache.training.state import Plan, Report, State
from gpu_bench import Bench
from gpu_steps import BLOCK, kernel_time, seconds

STEPS = 12
TURNS = 3
"""Blocks of steps of each kind that are timed."""

OFTEN = {"boosted_critic_steps": 8, "boost_first": 2, "boost_every": 5}
"""WGAN's schedule of critic steps with its jumps close together."""

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "faces": ("faces", {}),
    "sagan": ("sagan", {}),
    "r3gan": ("r3gan", {}),
    "wgan-gp": ("wgan-gp", {}),
    "dcgan": ("dcgan", {}),
    "wgan-gp with dcgan's networks": ("wgan-gp", {"network": {"name": "dcgan", "critic_norm": "none"}}),
    "wgan-article": ("wgan-article", {}),
    "faces-quick": ("faces-quick", {}),
    "anime-article": ("anime-article", {}),
    "wgan": ("wgan", {"schedule": OFTEN}),
    "hinge": ("hinge", {}),
    "infogan": ("infogan", {}),
    "gan-mlp": ("gan-mlp", {}),
    "dragan": ("dragan", {}),
    "lsgan": ("lsgan", {}),
    "dcgan, fading rates": ("dcgan", {"critic_optimiser": {"decay": 0.01}, "generator_optimiser": {"decay": 0.01}}),
    "dcgan, 3 classes": ("dcgan", {"data": {"classes": 3}}),
    "dcgan, augmented": ("dcgan", {"view": {"augment": ["colour", "translation", "cutout"], "augment_p": 0.5}}),
}
"""A recipe and what is changed of it, the telling ones first."""


class Labelled:
    """A stream whose pictures have arbitrary classes."""

    def __init__(self, stream: Stream, classes: int) -> None:
        self.stream, self.classes = stream, classes

    def __getitem__(self, index: int) -> Tensor:
        return self.stream[index]

    def labels(self, index: int) -> Tensor:
        drawn = torch.randint(self.classes, (self.stream.batch,), generator=torch.Generator().manual_seed(index))
        return drawn.to(self.stream.device)


def graphs(bench: Bench) -> None:
    """Compare the bits of eager steps, recorded steps, and recorded steps with a restart between; then time both."""
    bench.say(
        f"Tensors that differ after {STEPS} steps, of those of a run taken as written: in a run of recorded steps, "
        "and in one that was taken up again after 7. `busy`: share of the time in which the GPU worked.\n\n"
        "| what | recorded | taken up again | of | largest difference | ms as written | ms recorded | times | busy as "
        "written | busy recorded |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    found = bench.known.setdefault("graphs", {})
    for name in CASES:
        if name in found:
            continue
        if bench.left() < 12:
            bench.say("\nNo time was left for the others.")
            break
        try:
            found[name] = compared(bench, *CASES[name])
        except Exception as error:
            found[name] = {"error": str(error)}
            bench.say(f"| `{name}` | {type(error).__name__} |\n\n```\n{traceback.format_exc()}```\n")
            # A recording that fails may leave PyTorch unusable.
            bench.say("The others are for another process: the same command goes on with them.")
            break
        finally:
            bench.keep("graphs", found)
        bench.say(row(name, found[name]))


def compared(bench: Bench, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Measure one case: the number of tensors that differ, and seconds per step."""
    config = bench.settings(from_dict(changes, recipe(name)))
    config = replace(config, precision=replace(config.precision, cuda_graphs=True))
    _, data = bench.material(config)
    set_determinism(torch.device(bench.device), config.precision.deterministic)
    written, by_hand = loop(config, data, False)
    replayed, recorded = loop(config, data, True)
    again, parts = loop(config, data, True)
    for steps in (by_hand, recorded):
        list(islice(steps, STEPS))
    list(islice(parts, 7))
    list(islice(loop(config, data, True, again)[1], STEPS - 7))
    expected = checkpoint.state_tensors(written)
    known = {"of": len(expected)}
    known |= difference("recorded", expected, replayed) | difference("again", expected, again)
    both = {"written": by_hand, "recorded": recorded}
    return known | {"recording": build.resolve(config).cuda_graphs} | timed(bench, both)


def loop(config: Config, data: Dataset, recorded: bool, state: State | None = None) -> tuple[State, Iterator[Report]]:
    """Return a state and its training; the optimisers are those of recorded steps in both cases."""
    resolved = build.resolve(config)
    state = state or build.state(resolved, data.image_shape)
    plan, stream = build.plan(resolved), build.stream(resolved, data)
    plan = plan if recorded else replace(plan, step_runner=Plan.step_runner)
    batches = Labelled(stream, config.data.classes) if config.data.classes else stream
    return state, train(state, resolved.method, batches, resolved.prior, plan)


def difference(name: str, expected: dict[str, Tensor], state: State) -> dict[str, Any]:
    """Return the number of tensors that differ, and the largest difference."""
    tensors = checkpoint.state_tensors(state)
    differ = {key: (a - tensors[key]).abs().max().item() for key, a in expected.items() if not a.equal(tensors[key])}
    return {name: len(differ), f"{name} most": max(differ.values(), default=0.0), f"{name} which": list(differ)[:9]}


def timed(bench: Bench, both: dict[str, Iterator[Report]]) -> dict[str, Any]:
    """Return the seconds per step of each, measured in turns, and the seconds in which the GPU worked."""
    times: dict[str, list[float]] = {each: [] for each in both}
    for _ in range(1 if bench.quick else TURNS):
        for each, steps in both.items():
            step = steps.__next__
            count = 1 if bench.quick else max(2, round(BLOCK / seconds(bench, step, 2)))
            times[each].append(seconds(bench, step, count))
    taken = {each: statistics.median(values) for each, values in times.items()}
    working = {each: kernel_time(bench, steps.__next__, 2)[0] for each, steps in both.items()}
    return {"seconds": taken, "working": working}


def row(name: str, found: dict[str, Any]) -> str:
    taken, working = found["seconds"], found["working"]
    busy = [f"{working[each] / taken[each]:.0%}" if working[each] else "-" for each in taken]
    most = max(found["recorded most"], found["again most"])
    return (
        f"| `{name}` | {found['recorded']} | {found['again']} | {found['of']} | {most:.3g} "
        f"| {1000 * taken['written']:.2f} | {1000 * taken['recorded']:.2f} "
        f"| {taken['written'] / taken['recorded']:.2f} | {busy[0]} | {busy[1]} |"
    )
