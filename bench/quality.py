"""Quality of the pictures after a given time: recipes and a plain PyTorch loop, trained one after the other.

    python bench/quality.py --data faces.zip [--minutes 30] [--out quality] [plain | RECIPE ...]

Each one trains alone on the machine for this number of minutes, on the same three quarters of the pictures. 2,000
samples of each are compared with the quarter that no training has seen: the Frechet distance in the features of a
random network, and the sliced Wasserstein distance of patches ("patches"). Existing results are not trained again. The
last row gives the scores of other real pictures instead of samples, if `evaluate` reports them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ganache import figures, load_generator
from ganache.config.config import recipe
from ganache.core.rendering import render
from ganache.data import Dataset
from ganache.runs.folder import find_checkpoint
from ganache.training import build
from ganache.types import Generator, Prior

sys.path.insert(0, str(Path(__file__).resolve().parent / "peers"))

from eager import dcgan_generator, dcgan_training

from unseen import HELD_OUT, SHOWN, judged

PLAIN, FIRST = "plain", "faces"
SIDE = "64"


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
    options = [f"--minutes={chosen.minutes}", f"--out={run}", f"--data.held-out={HELD_OUT}"]
    subprocess.run([*command, *options], check=True, stdout=sys.stderr)
    generator, config, _ = load_generator(find_checkpoint(run, "last"))
    return generator, build.prior(config)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=[FIRST, PLAIN, "anime-article"])
    parser.add_argument("--data", required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--out", type=Path, default=Path("quality"))
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    config = recipe("dcgan", data=chosen.data)
    data = build.dataset(replace(config, data=replace(config.data, size=SIDE, held_out=HELD_OUT)))
    print("| after the same time | " + " | ".join(SHOWN) + " |\n" + "|---" * (len(SHOWN) + 1) + "|", flush=True)
    for name in chosen.names:
        generator, prior = trained(name, chosen, data)
        figures.picture(render(generator, prior.sample(64, generator=torch.Generator().manual_seed(0)))).save(
            chosen.out / f"{name}.png"
        )
        scores = judged(generator, prior, data)
        values = (f"{scores[each].value:.3g} ± {scores[each].error:.2g}" for each in SHOWN)
        print(f"| `{name}` | " + " | ".join(values) + " |", flush=True)
    of_real = (scores[each].real for each in SHOWN)
    print("| real pictures instead | " + " | ".join("" if each is None else f"{each:.3g}" for each in of_real) + " |")


if __name__ == "__main__":
    main()
