"""Quality of the pictures after a given time: recipes and a plain PyTorch loop, trained one after the other.

    python bench/quality.py --data faces.zip [--minutes 30] [--out quality] [plain | RECIPE ...]

Each one trains alone on the machine for this number of minutes, on the same three quarters of the pictures. 2,000
samples of each are compared with the quarter that no training has seen, by the rulers of unseen.py. Existing results
are not trained again. All checkpoints are kept, for score.py and pairs.py. The last row gives the scores of other real
pictures instead of samples.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ganache import figures, load_generator
from ganache.config.config import recipe
from ganache.core.rendering import render
from ganache.data import Dataset
from ganache.evaluation.features.base import FeatureInputs
from ganache.evaluation.features.extract import build_features
from ganache.runs.folder import find_checkpoint
from ganache.training import build
from ganache.types import Generator, Prior

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

from eager import dcgan_generator, dcgan_training

from ruler import scores
from unseen import HELD_OUT, RULERS, SHOWN, judged, order_note

PLAIN, FIRST = "plain", "faces"
SIDE = "64"
EVERY = {"anime-article": 30}
"""Recipe -> steps between two checkpoints, if not 250."""


# ---- the plain loop ------------------------------------------------------------------------------------------------


class Plain(Generator):
    """The generator of PyTorch's DCGAN tutorial; it samples without `eval`, with the statistics of the batch."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.z_dim, self.image_shape, self.body = 100, (3, 64, 64), body

    def synthesis(self, w: Tensor) -> Tensor:
        pictures: Tensor = self.body(w[:, :, None, None])
        return pictures

    def train(self, mode: bool = True) -> Plain:
        return super().train(True)


def train_plain(data: Dataset, minutes: float, path: Path) -> None:
    """Run PyTorch's DCGAN tutorial on pictures that are decoded in memory; write the generator's weights."""
    torch.manual_seed(0)
    pictures = torch.from_numpy(data.images[data.training])
    G, step = dcgan_training()
    begun, steps = time.perf_counter(), 0
    while True:
        for batch in torch.randperm(len(pictures)).split(64)[:-1]:
            step(pictures[batch].permute(0, 3, 1, 2).contiguous().float() / 127.5 - 1)
            steps += 1
            if time.perf_counter() - begun > 60 * minutes:
                save_file(G.state_dict(), path, {"steps": str(steps)})
                print(f"{PLAIN}: {steps:,} steps", file=sys.stderr)
                return


# ---- all of them ---------------------------------------------------------------------------------------------------


def trained(name: str, chosen: argparse.Namespace, data: Dataset) -> tuple[Generator, Prior]:
    """Return the generator after this number of minutes, and its prior."""
    if name == PLAIN:
        path = chosen.out / f"{PLAIN}.safetensors"
        if not path.exists():
            train_plain(data, chosen.minutes, path)
        body = dcgan_generator()
        body.load_state_dict(load_file(path))
        return Plain(body), Prior(100)
    run = chosen.out / name
    command = [Path(sys.executable).parent / "ganache", "train", chosen.data, "--recipe", name, "--size", SIDE]
    options = [f"--minutes={chosen.minutes}", f"--out={run}", f"--data.held-out={HELD_OUT}", "--record.keep=1000"]
    options += [f"--record.checkpoint-every={EVERY.get(name, 250)}"]
    subprocess.run([*command, *options], check=True, stdout=sys.stderr)
    generator, config, _ = load_generator(find_checkpoint(run, "last"))
    return generator, build.prior(config)


def real_scores(data: Dataset) -> dict[str, float]:
    """Return the scores of real pictures of the training, as many as there are held-out ones."""
    held_out = data.held_out
    training = np.random.default_rng(0).permutation(data.training)[: len(held_out)]
    found: dict[str, float] = {}
    for name, shown in RULERS.items():
        extractor = build_features(name, FeatureInputs(data, training, held_out))
        measured = scores(extractor, data.at(held_out), data.at(training))
        found |= {f"{name} {key}": value for key, value in measured.items() if key in shown}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[FIRST, "style-small", PLAIN, "anime-article", "dcgan"])
    parser.add_argument("--data", required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--out", type=Path, default=Path("quality"))
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    config = recipe("dcgan", data=chosen.data)
    data = build.dataset(replace(config, data=replace(config.data, size=SIDE, held_out=HELD_OUT)))
    print("| after the same time | " + " | ".join(SHOWN) + " |\n" + "|---" * (len(SHOWN) + 1) + "|", flush=True)
    rows = {}
    for name in chosen.names:
        generator, prior = trained(name, chosen, data)
        figures.picture(render(generator, prior.sample(64, generator=torch.Generator().manual_seed(0)))).save(
            chosen.out / f"{name}.png"
        )
        found = judged(generator, prior, data)
        values = (f"{found[each].value:.3g} ± {found[each].error:.2g}" for each in SHOWN)
        print(f"| `{name}` | " + " | ".join(values) + " |", flush=True)
        rows[name] = {each: found[each].value for each in SHOWN}
    real = real_scores(data)
    cells = (f"{real[each]:.3g}" if each in real else "" for each in SHOWN)
    print(f"| real pictures instead | {' | '.join(cells)} |")
    print(f"\n{order_note(rows)}".rstrip())


if __name__ == "__main__":
    main()
