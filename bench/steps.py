"""Seconds per step of recipes and of their peers, in turns: `python bench/steps.py [ROW ...] [--pairs 11]`.

Each is a process of its own. They take single steps in turn, so that other work on the machine affects both; the
result is the median of the ratios of all pairs. Peers other than plain PyTorch need `bench/peers/install.sh`, once.
The machine's ceilings are measured first and last. `--write` adds the table to `bench/RESULTS.md`.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from ceilings import convolution
from ganache.fastconv.kernels import cpu_has, library

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"
PYTHON = Path(sys.executable)
KERAS, PADDLE = PEERS / ".keras" / "bin" / "python", PEERS / ".paddle" / "bin" / "python"


@dataclass(frozen=True)
class Row:
    """A recipe of ganache, and the loop that it is compared with."""

    recipe: str
    against: str
    python: Path
    command: tuple[str, ...]
    wanted: float
    """The goal: how many times as fast as the peer."""


ROWS = {
    "dcgan": Row("dcgan", "plain PyTorch", PYTHON, ("eager.py", "dcgan"), 4.0),
    "anime-keras": Row("anime-article", "Keras on TensorFlow", KERAS, ("anime_keras.py",), 8.0),
    "anime": Row("anime-article", "plain PyTorch", PYTHON, ("eager.py", "anime-article"), 4.0),
    "wgan-paddle": Row("wgan-article", "PaddlePaddle", PADDLE, ("wgan_paddle.py",), 15.0),
    "wgan": Row("wgan-article", "plain PyTorch", PYTHON, ("eager.py", "wgan-article"), 4.0),
    "wgan-gp": Row("wgan-gp", "plain PyTorch", PYTHON, ("eager.py", "wgan-gp"), 3.0),
}


class Contestant:
    """A process that takes a step on request, and reports the seconds."""

    def __init__(self, python: Path, *command: str) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([python, *command], cwd=PEERS, stdin=pipe, stdout=pipe, text=True)

    def answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args!r} ended with {self.process.wait()}.")
        return line.strip()

    def until(self, word: str) -> None:
        while self.answer() != word:
            pass

    def step(self) -> float:
        assert self.process.stdin is not None
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        return float(self.answer())

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def measured(row: Row, pairs: int) -> str:
    """Return a row of the table."""
    if not row.python.exists():
        return f"| `{row.recipe}` | {row.against} | not installed: `bench/peers/install.sh` | | | | | |"
    ours, peer = Contestant(PYTHON, "ours.py", row.recipe), None
    try:
        made_of = json.loads(ours.answer())
        ours.until("ready")
        peer = Contestant(row.python, *row.command)
        peer.until("ready")
        times = [(peer.step(), ours.step()) for _ in range(pairs)]
    finally:
        for contestant in (ours, peer):
            if contestant is not None:
                contestant.end()
    ratios = sorted(a / b for a, b in times)
    theirs, seconds = (statistics.median(column) for column in zip(*times, strict=True))
    ceiling = convolution(getattr(torch, made_of["dtype"]))
    share, made = (made_of[count] / seconds / ceiling for count in ("flop", "made"))
    return (
        f"| `{row.recipe}` | {row.against} | {theirs:.3f} s | {seconds:.3f} s | **{statistics.median(ratios):.2f}** "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f}) | {row.wanted:g} | {share:.0%} of {ceiling / 1e9:.0f} GFLOP/s, "
        f"{made:.0%} made "
        f"| {made_of['besides']:.1%} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"all of {', '.join(ROWS)} where none is named")
    parser.add_argument("--pairs", type=int, default=11)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    if unknown := set(chosen.rows) - set(ROWS):
        parser.error(f"no row {', '.join(sorted(unknown))}: choose from {', '.join(ROWS)}")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    lines = [
        f"## {datetime.date.today()}, {processor()}, torch {torch.__version__}, commit {commit.stdout.strip()}",
        "",
        f"`python bench/steps.py --pairs {chosen.pairs}`; the last columns: the networks' convolutions and products, "
        "counted as they are written down and as they are made, as a share of the convolution ceiling measured right "
        "after, and what is not the networks' own arithmetic (data, optimiser, averaging, gradient norms) as a share "
        "of a step.",
        "",
        "| recipe | against | theirs | ours | times as fast | wanted | of the ceiling | besides |",
        "|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    for name in chosen.rows or ROWS:
        lines.append(measured(ROWS[name], chosen.pairs))
        print(lines[-1], flush=True)
    if chosen.write:
        results = HERE / "RESULTS.md"
        title, _, rest = results.read_text().partition("\n## ")
        results.write_text(f"{title}\n" + "\n".join(lines) + f"\n\n## {rest}")


def processor() -> str:
    """Return the processor's name, its number of threads, and the instructions and kernels in use."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    name = names[0].partition(":")[2].strip() if names else platform.processor()
    able = f"{torch.backends.cpu.get_cpu_capability()}, {'with' if cpu_has('avx512_bf16') else 'without'} bfloat16"
    units = f"{'AMX' if cpu_has('amx_bf16') else 'no AMX'}, {'kernels' if library() else 'no kernels'} of our own"
    return f"{torch.get_num_threads()} threads of {name}, {able}, {units}"


if __name__ == "__main__":
    main()
