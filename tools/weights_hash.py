"""Print a SHA-256 of all weights after three training steps, for each recipe.

    python tools/weights_hash.py > before.txt      # in one checkout
    python tools/weights_hash.py > after.txt       # in another, on the same machine
    diff before.txt after.txt

A change that should not change the arithmetic leaves every line equal. The digest does not depend on the names of
weights, so renaming a module does not change it. Optimiser moments are part of it.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from safetensors import safe_open

RECIPES = Path(__file__).parents[1] / "src"
OPTIONS = {"gan-mlp": ("--size", "16")}


def digest(checkpoint: Path) -> str:
    """SHA-256 of a checkpoint's tensors, whatever they are called."""
    with safe_open(checkpoint, framework="pt") as file:
        tensors = [file.get_tensor(name).contiguous() for name in file.keys()]  # noqa: SIM118  (it is no dict)
    parts = sorted(
        hashlib.sha256(f"{t.dtype} {tuple(t.shape)}".encode() + t.reshape(-1).numpy().tobytes()).hexdigest()
        for t in tensors
    )
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def trained(recipe: str, compute: str, out: Path) -> str:
    """Train a recipe for three steps from seed 0 on the drawn faces, and return the digest of what it ends in."""
    options = OPTIONS.get(recipe, ("--size", "32"))
    command = [sys.executable, "-c", "from ganache.cli import main; main()", "train", "faces", "--recipe", recipe]
    command += [*options, "--data.count", "512", "--steps", "3", "--seed", "0", "--out", str(out)]
    command += ["--precision.compute", compute, "--schedule.minutes", "None", "--schedule.images", "None"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return "failed: " + " ".join(done.stderr.split()[-30:])
    (last,) = sorted((out / "checkpoints").glob("*.safetensors"))[-1:]
    return digest(last)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", help="recipes to train; all of them by default")
    given = parser.parse_args().recipes
    names = given or sorted(path.stem for path in RECIPES.rglob("recipes/*.toml"))
    for name in names:
        for compute in ("float32", "bfloat16"):
            with tempfile.TemporaryDirectory() as folder:
                print(f"{name:16} {compute:9} {trained(name, compute, Path(folder, 'run'))}", flush=True)


if __name__ == "__main__":
    main()
