"""Two halves of the same real pictures against each other: what a perfect generator would score.

python bench/halves.py DATA [FEATURES ...]     (features: random, pixels; default both)
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from ganache.core.images import as_x
from ganache.data import load
from ganache.evaluation.features.extract import extractor_of, of_data
from ganache.evaluation.judging import SampleSets, by_kernel, by_moments, by_neighbours
from ganache.evaluation.metrics.scores import distance


def main() -> None:
    source, *names = sys.argv[1:]
    data = load(source)
    order = np.random.default_rng(0).permutation(len(data))
    half = len(order) // 2
    print(f"{half:,} of {data.name} against {half:,} others, {data.image_shape}")
    for name in names or ["random", "pixels"]:
        extractor, _ = extractor_of(name, data, order, order[:0], None)
        one, other = (of_data(data, part, extractor, None, False) for part in (order[:half], order[half : 2 * half]))
        nothing, pictures = torch.empty(0, one.shape[1]), data.images[:1]
        sides = SampleSets(one, other, other, nothing, pictures, pictures, None, None, False, None, None, seed=0)
        for score in (*by_moments(sides), *by_kernel(sides), *by_neighbours(sides)):
            print(f"{extractor.name:8} {score.name:20} {score.value:12.5g} +- {score.error:.2g}")
    one, other = (as_x(data.images[np.sort(part[:1000])]) for part in (order[:half], order[half:]))
    print(f"{'patches':29} {distance(one, other):12.5g}")


if __name__ == "__main__":
    main()
