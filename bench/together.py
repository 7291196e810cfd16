"""Two trainings at once on this machine, against one alone: python bench/together.py [RECIPE ...]

For each recipe (by default `faces` and `dcgan`) and each way in which threads wait for each other, it trains for
half a minute alone, then twice at once, and prints the pictures per second: medians of the lines in log.jsonl after
the first third. The ways are set by the environment; "as ganache sets it" leaves that to the command.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

GANACHE = str(Path(sys.executable).parent / "ganache")
MINUTES = 0.5
WAYS: dict[str, dict[str, str]] = {
    "as ganache sets it": {},
    "spin for long (OpenMP's own setting)": {"GOMP_SPINCOUNT": "300000"},
    "spin 10,000 times, then sleep": {"GOMP_SPINCOUNT": "10000"},
    "spin 1,000 times, then sleep": {"GOMP_SPINCOUNT": "1000"},
    "sleep at once": {"OMP_WAIT_POLICY": "PASSIVE"},
}


def rates(folder: Path, recipe: str, trainings: int, way: dict[str, str], more: Sequence[str] = ()) -> list[float]:
    """Return the pictures per second of each of so many trainings that run at the same time, with `more` options."""
    outs = [folder / f"{recipe}-{trainings}-{number}-{'-'.join(way.values())}" for number in range(trainings)]
    options = ["--recipe", recipe, "--data.count", "2000", f"--minutes={MINUTES}", "--probe.share", "0", *more]
    running = [
        subprocess.Popen(
            [GANACHE, "train", "faces", *options, f"--out={out}"],
            env=os.environ | way,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for out in outs
    ]
    if any(process.wait() for process in running):
        raise SystemExit(f"A training ended with an error: {' '.join(map(str, running[0].args))}")  # type: ignore[arg-type]
    found = []
    for out in outs:
        lines = map(json.loads, (out / "log.jsonl").read_text().splitlines())
        speeds = [line["images_per_second"] for line in lines if "images_per_second" in line]  # others are events
        found.append(statistics.median(speeds[len(speeds) // 3 :]))
    return found


def main(recipes: list[str]) -> None:
    print("| recipe | threads that wait | alone | two at once | sum / alone |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        for recipe in recipes:
            for words, way in WAYS.items():
                (alone,), both = (rates(Path(name), recipe, trainings, way) for trainings in (1, 2))
                shown = " + ".join(f"{rate:.0f}" for rate in both)
                print(f"| {recipe} | {words} | {alone:.0f} | {shown} | {sum(both) / alone:.2f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:] or ["faces", "dcgan"])
