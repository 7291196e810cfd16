"""How fast recipes start and train on this processor, and on older ones: python bench/processors.py [RECIPE ...]

For each recipe (by default all of pictures) and each value of GANACHE_KERNELS, a process of its own trains for 20
steps, or for a minute if twelve take longer, on drawn faces that are in the cache already. The table has the seconds
from the start of the process to the end of the first and of the tenth step, and the median of the steps after that.
"avx2" and "avx512" compute as processors with these instructions and no newer ones; "off" is PyTorch alone, as where
ganache has no kernels (a Mac, ARM).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

PATHS = ("on", "avx512", "avx2", "off")
STEPS, FEWEST, SECONDS = 20, 12, 60
PICTURES = 600
OF_POINTS = ("points", "gan-mlp")
"""Recipes that are not for pictures: a step takes a millisecond or two."""


def config(recipe_name: str) -> Any:
    from ganache.config.config import from_dict, recipe

    chosen = from_dict({"device": "cpu"}, recipe(recipe_name, data="faces"))
    return replace(chosen, data=replace(chosen.data, count=PICTURES))


def measured(recipe_name: str, begun: float) -> dict[str, float]:
    """Train in this process, and return the seconds since `begun` on the clock of `time.monotonic`."""
    from ganache.cli.environment import check_environment

    check_environment()

    from ganache.training import build
    from gpu_bench import loop

    chosen = config(recipe_name)
    _, reports = loop(chosen, build.dataset(chosen))
    ends: list[float] = []
    while len(ends) < FEWEST or (len(ends) < STEPS and ends[-1] < SECONDS):
        next(reports)
        ends.append(time.monotonic() - begun)
    steps = [after - before for before, after in pairwise(ends[9:])]
    return {"first": ends[0], "tenth": ends[9], "step": statistics.median(steps), "batch": chosen.schedule.batch}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", metavar="RECIPE")
    parser.add_argument("--paths", nargs="*", default=PATHS, choices=PATHS)
    parser.add_argument("--one", type=float, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measured(chosen.recipes[0], chosen.one)))
        return
    from ganache.config.recipes import names
    from ganache.training import build

    print("| recipe | GANACHE_KERNELS | first step done | tenth | a step | pictures per second |\n" + "|---" * 6 + "|")
    for name in chosen.recipes or [each for each in names() if each not in OF_POINTS]:
        build.dataset(config(name))
        for path in chosen.paths:
            command = [sys.executable, __file__, name, "--one", str(time.monotonic())]
            environment = os.environ | {"GANACHE_KERNELS": path}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            times = f"{found['first']:.1f} s | {found['tenth']:.1f} s | {1e3 * found['step']:.0f} ms"
            print(f"| `{name}` | {path} | {times} | {found['batch'] / found['step']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
