"""One training on several processes: what is sent, and how fast it is: python bench/processes.py [RECIPE ...]

The first table has the bytes of gradients and buffers that the processes add up per step, for every recipe at 64x64.
In a ring, each of N processes sends 2 (N - 1) / N times as many. The second has the pictures per second of RECIPE (by
default `faces` and `dcgan`) in 1, 2, ... processes of one machine, which share its cores, or have a GPU each: with 8
GPUs, `--counts 1 2 4 8`. Every number of processes trains for half a minute on the same batches in the same parts.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import torch
import torch.distributed as dist
from torch import Tensor

from ganache.config import recipes
from ganache.config.config import from_dict, recipe
from ganache.training import build
from ganache.training.loop import train
from ganache.training.processes import Processes
from together import rates

PARTS = 2
"""Images in a part: batch norm needs more than one."""


def sent(name: str) -> tuple[int, int]:
    """Return the messages and the bytes that are added up in a step of a recipe, with its usual critic steps."""
    messages: list[int] = []

    def count(tensor: Tensor) -> None:
        messages.append(tensor.numel() * tensor.element_size())

    config = from_dict({"device": "cpu"}, recipe(name, data="ring8" if name == "points" else "faces"))
    schedule = replace(config.schedule, batch=2 * PARTS, micro_batch=PARTS, boost_first=0, boost_every=0)
    config = replace(config, data=replace(config.data, count=100), schedule=schedule)
    resolved = build.resolve(config, Processes(0, 2))
    data = build.load_dataset(resolved)
    state = build.state(resolved, data.image_shape)
    reports = train(state, resolved.method, build.stream(resolved, data), resolved.prior, build.plan(resolved))
    with patch.object(dist, "all_reduce", count):  # the other process is not there
        next(reports)  # also what is computed in the first step alone
        messages.clear()
        next(reports)
    return len(messages), sum(messages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", default=["faces", "dcgan"], metavar="RECIPE")
    parser.add_argument("--counts", nargs="*", type=int, default=[1, 2], help="numbers of processes")
    parser.add_argument("--only", choices=("bytes", "speed"))
    chosen = parser.parse_args()
    if chosen.only != "speed":
        print("| recipe | messages per step | MB per step |\n|---|---|---|")
        for name in recipes.names():
            messages, total = sent(name)
            print(f"| `{name}` | {messages} | {total / 1e6:.2f} |", flush=True)
    if chosen.only != "bytes":
        with tempfile.TemporaryDirectory() as folder:
            speeds(Path(folder), chosen.recipes, chosen.counts)


def speeds(folder: Path, names: list[str], counts: list[int]) -> None:
    print("\n| recipe | " + " | ".join(f"{n} processes" for n in counts) + " | of the last, to the first |")
    print("|---" * (len(counts) + 2) + "|")
    for name in names:
        batch = recipe(name, data="faces").schedule.batch
        batch = max(counts) * max(1, batch // max(counts))
        options = [f"--batch={batch}", f"--schedule.micro-batch={batch // max(counts)}"]
        found = [rates(folder / str(n), name, 1, {}, [*options, *processes_of(n)])[0] for n in counts]
        shown = " | ".join(f"{rate:.0f} pictures/s" for rate in found)
        print(f"| `{name}` | {shown} | {found[-1] / found[0]:.2f} |", flush=True)


def processes_of(count: int) -> list[str]:
    return [f"--processes={count}"] if count > 1 else []


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
