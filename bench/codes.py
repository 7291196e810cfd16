"""Does InfoGAN's categorical code name the classes of the data?

    python bench/codes.py RUN DATA

RUN is a run of the recipe infogan, DATA pictures with labels (MNIST's IDX files). The critic's Q reads a code off
every real picture; each code then stands for one class at most, in the way that agrees most often.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from ganache import images
from ganache.checkpoint import load_critic, read_header
from ganache.config import from_record
from ganache.data import load
from ganache.folder import find_checkpoint
from ganache.metrics.codes import named


def main(run: str, source: str) -> None:
    path = find_checkpoint(run)
    config = from_record(read_header(path)["config"])
    critic = load_critic(path)
    data = load(source, size=config.data.height_width(), channels=config.data.channels)
    said = []
    with torch.inference_mode():
        for start in range(0, len(data), 500):
            x = images.to_float(data.images[start : start + 500])
            q = critic.read_codes(critic.features(x))[:, : config.categories()]
            said.append(q.argmax(dim=1).numpy())
    assert data.labels is not None, "the data have no labels"
    accuracy, names = named(np.concatenate(said), np.asarray(data.labels))
    print(f"{accuracy:.1%} of {len(data):,} pictures; code -> class {names}")


if __name__ == "__main__":
    main(*sys.argv[1:])
