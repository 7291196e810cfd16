"""Everyday waiting times, and memory: `python bench/everyday.py [--run RUN]`.

It measures `ganache --help`, the first picture of a run, 10,000 pictures (`-o many.npy`), and the peak memory of
training `dcgan` on 1,000,000 pictures and on 1,000. These pictures are a sparse file of zeros, 12 GB long, which needs
no disk space. Without --run, the run is an untrained `dcgan` at 64x64. Each measurement is a new process; medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

GANACHE = Path(sys.executable).parent / "ganache"
STEPS = 12
PAGE = 4096


def seconds(folder: Path, *words: str, times: int = 5) -> str:
    """Return the seconds of a command as text: median, minimum and maximum."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        subprocess.run([GANACHE, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        taken.append(time.perf_counter() - begun)
    return f"{statistics.median(taken):.2f} s ({min(taken):.2f} to {max(taken):.2f})"


def memory(folder: Path, pictures: int) -> tuple[float, float]:
    """Return the peak memory in MiB of a training on this number of pictures: (own memory, with mapped files)."""
    source = folder / f"{pictures}.npy"
    if not source.exists():
        np.lib.format.open_memmap(source, "w+", np.uint8, (pictures, 64, 64, 3)).flush()
    out = folder / f"run-{pictures}"
    options = ["--recipe", "dcgan", "--steps", str(STEPS), "--out", str(out), "--probe.share", "0"]
    environment = os.environ | {"GANACHE_CACHE": str(folder / "cache")}
    command = [str(GANACHE), "train", str(source), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    own = mapped = 0.0
    while process.poll() is None:
        try:
            _, resident, shared, *_ = map(int, Path(f"/proc/{process.pid}/statm").read_text().split())
        except (OSError, ValueError):
            break
        own, mapped = max(own, (resident - shared) * PAGE / 2**20), max(mapped, resident * PAGE / 2**20)
        time.sleep(0.02)
    if process.wait():
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}.")
    return own, mapped


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run = chosen.run and chosen.run.resolve()
        if run is None:
            run = folder / "run"
            seconds(folder, "train", "faces", "--recipe=dcgan", "--data.count=300", "--steps=1", "--out=run", times=1)
        print(f"ganache --help: {seconds(folder, '--help')}", flush=True)
        print(f"first picture of a run: {seconds(folder, 'sample', str(run), '-n', '1', '-o', 'one.png')}", flush=True)
        many = seconds(folder, "sample", str(run), "-n", "10000", "-o", "many.npy")
        print(f"10,000 pictures, from the command to the file: {many}", flush=True)
        for pictures in (1_000, 1_000_000):
            own, mapped = memory(folder, pictures)
            print(f"training on {pictures:,}: {own:,.0f} MiB, {mapped:,.0f} with mapped files", flush=True)


if __name__ == "__main__":
    main()
