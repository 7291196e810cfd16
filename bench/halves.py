"""Compare two halves of the same real pictures: the scores of a perfect generator.

python bench/halves.py DATA [FEATURES ...]     (features: random, pixels; default both)
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from ganache.core.images import as_x
from ganache.data import load
from ganache.evaluation.features.base import FeatureInputs
from ganache.evaluation.features.extract import build_features, dataset_features
from ganache.evaluation.metrics.sliced_wasserstein import sliced_distance
from ganache.evaluation.scores import SampleSets, frechet_scores, kernel_scores, precision_recall_scores


def main() -> None:
    source, *names = sys.argv[1:]
    data = load(source)
    order = np.random.default_rng(0).permutation(len(data))
    half = len(order) // 2
    print(f"{half:,} of {data.name} against {half:,} others, {data.image_shape}")
    for name in names or ["random", "pixels"]:
        extractor = build_features(name, FeatureInputs(data, order, order[:0]))
        one, other = (
            dataset_features(data, part, extractor, None, False) for part in (order[:half], order[half : 2 * half])
        )
        nothing, pictures = torch.empty(0, one.shape[1]), data.images[:1]
        sides = SampleSets(one, other, other, nothing, pictures, pictures, None, None, False, None, None, seed=0)
        for score in (*frechet_scores(sides), *kernel_scores(sides), *precision_recall_scores(sides)):
            print(f"{extractor.name:8} {score.name:20} {score.value:12.5g} +- {score.error:.2g}")
    one, other = (as_x(data.images[np.sort(part[:1000])]) for part in (order[:half], order[half:]))
    print(f"{'patches':29} {sliced_distance(one, other):12.5g}")


if __name__ == "__main__":
    main()
