"""What a trained model is worth as a start: the distance to real pictures over time, from it and afresh.

    python bench/start.py DATA --from RUN [--minutes 10] [--out start] [OPTIONS of ganache train]

Trains on DATA twice for this number of minutes, one after the other: from RUN, and by RUN's recipe afresh, both with
the OPTIONS. Ten checkpoints of each are compared with the pictures of the training (`perceptual layers`, 1,000
samples). The last line says when the first training reached what the second one ended with. Existing results are not
trained again.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

from ganache import load_generator
from ganache.core import images
from ganache.runs.data import run_data
from ganache.runs.folder import checkpoints, find_checkpoint
from ganache.training import build
from unseen import CHOSEN_BY, distances

SAMPLES, SHOWN, KEPT = 1_000, 10, 1_000


def trained(data: str, out: Path, options: list[str], minutes: float) -> list[tuple[float, float]]:
    """Return (minutes, distance) at ten checkpoints of a run, which is trained if it does not exist."""
    if not out.exists():
        command = [str(Path(sys.executable).parent / "ganache"), "train", data, f"--out={out}", f"--minutes={minutes}"]
        options = [f"--record.keep={KEPT}", "--record.checkpoint-every=25", *options]
        subprocess.run([*command, *options], check=True, stdout=sys.stderr)
    paths, found = checkpoints(out), []
    pictures = run_data(paths[-1], data)
    for index in images.evenly_spaced(len(paths), SHOWN):
        generator, config, header = load_generator(paths[index])
        distance = distances(generator, build.prior(config), pictures, SAMPLES, ("perceptual",))
        found.append((minutes * header["step"] / int(paths[-1].stem), distance[CHOSEN_BY]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--from", dest="start", required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--out", type=Path, default=Path("start"))
    chosen, options = parser.parse_known_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    _, config, _ = load_generator(find_checkpoint(Path(chosen.start)))
    from_it = trained(chosen.data, chosen.out / "from", ["--from", chosen.start, *options], chosen.minutes)
    afresh = trained(chosen.data, chosen.out / "afresh", ["--recipe", config.recipe, *options], chosen.minutes)
    print(f"| minutes | from {Path(chosen.start).name} | minutes | afresh |\n|---|---|---|---|")
    for (minute, distance), (other_minute, other) in zip(from_it, afresh, strict=True):
        print(f"| {minute:.1f} | {distance:.3f} | {other_minute:.1f} | {other:.3f} |")
    last = afresh[-1][1]
    minutes, values = np.array(from_it).T
    if values.min() > last:
        print(f"\nIn {chosen.minutes:g} minutes it did not reach {last:.3f}, the end of the fresh training.")
    else:
        reached = minutes[np.argmax(values <= last)]
        share = f"{reached / chosen.minutes:.0%} of the time"
        print(f"\nIt reached {last:.3f}, the end of the fresh training, by minute {reached:.1f}: in {share}.")


if __name__ == "__main__":
    main()
