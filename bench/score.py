"""How well a quick score in training follows the full evaluation.

python bench/score.py RUN [RUN ...] [-n 5000] [--data DATA]

Each run keeps 20 checkpoints or more, for example `ganache train DATA --recipe faces --record.keep 100`. For each
checkpoint this prints the Frechet distance of n generated pictures in perceptual features, and quick scores of 256
pictures, of which "perceptual" and "patches" are those of `policy.score`; for each quick score and run, Spearman's rank
correlation with the distance, the distance of the checkpoint that the score chooses divided by the smallest, and the
seconds that it takes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from ganache.core.images import as_x
from ganache.core.rendering import generate
from ganache.data import Dataset
from ganache.evaluation.features.base import resize
from ganache.evaluation.features.perceptual import PerceptualFeatures, as_rgb
from ganache.evaluation.measure import evaluate
from ganache.evaluation.metrics.energy import energy_distance
from ganache.evaluation.metrics.frechet import BlockMoments, frechet_distance
from ganache.evaluation.metrics.kernel import squared_mmd
from ganache.evaluation.metrics.sliced_wasserstein import sliced_distance, sliced_wasserstein
from ganache.evaluation.training_score import own_size, training_score
from ganache.runs.checkpoint import load_generator
from ganache.runs.data import run_data
from ganache.runs.folder import checkpoints
from ganache.runs.prober import evenly_spaced, scored_latents
from ganache.training import build

QUICK = 256
Score = Callable[[Tensor], float]
Distance = Callable[[Tensor, Tensor], float]


def stage_features(network: PerceptualFeatures, x: Tensor, size: tuple[int, ...]) -> list[Tensor]:
    """Return the maps of each stage, averaged over the image, [N, C] each; the network sees images of `size`."""
    parts = [network.network.stages(resize(as_rgb(part), size)) for part in x.split(network.chunk)]  # type: ignore[no-untyped-call]
    return [torch.cat([maps.mean(dim=(2, 3)) for maps in stage]) for stage in zip(*parts, strict=True)]


@torch.no_grad()
def quick_scores(data: Dataset) -> dict[str, Score]:
    """Return the candidates, each a function of generated x [256, C, H, W]."""
    real = as_x(data.at(evenly_spaced(data, QUICK)))
    many = as_x(data.at(evenly_spaced(data, 8 * QUICK)))
    network = PerceptualFeatures(data.image_shape)  # type: ignore[arg-type]
    top, top_many = network(real).double(), network(many)
    moments = BlockMoments.from_features(top_many).moments()

    def by_stages(size: tuple[int, ...], first: int, last: int, distance: Distance = sliced_wasserstein) -> Score:
        stages = stage_features(network, real, size)
        scales = [stage.var(dim=0).mean().sqrt() for stage in stages]

        def score(x: Tensor) -> float:
            pairs = list(zip(stages, stage_features(network, x, size), scales, strict=True))[first:last]
            return sum(distance(a / scale, b / scale) for a, b, scale in pairs) / len(pairs)

        return score

    own, perceptual = own_size(data.image_shape[1:]), training_score("perceptual", real)
    return {
        "patches": lambda x: sliced_distance(real, x),
        "kernel": lambda x: 1000 * float(squared_mmd(top, network(x).double())),
        "kernel of 2,048": lambda x: 1000 * float(squared_mmd(top_many.double(), network(x).double())),
        "frechet of 256": lambda x: frechet_distance(moments, BlockMoments.from_features(network(x)).moments()),
        "stages": by_stages(network.size, 0, 8),
        "last stages": by_stages(network.size, 4, 8),
        "stages, own size": by_stages(own, 0, 8),
        "last stages, own size": by_stages(own, 4, 8),
        "first stages, own size": by_stages(own, 0, 6),
        "energy of stages": by_stages(network.size, 0, 8, energy_distance),
        "perceptual": lambda x: perceptual.compare(x).score,
    }


@torch.no_grad()
def rows_of(run: Path, source: str | None, n: int) -> Iterator[tuple[int, dict[str, float], dict[str, float]]]:
    """Yield (step, scores, seconds) of each checkpoint; the score "full" is the evaluation."""
    paths = checkpoints(run)
    data = run_data(paths[-1], source, progress=False)
    quick = quick_scores(data)
    for path in paths:
        generator, config, header = load_generator(path)
        prior = build.prior(config)
        scores, seconds = {}, {}
        x = generate(generator, scored_latents(prior, QUICK))
        for name, score in quick.items():
            start = time.perf_counter()
            scores[name] = score(x)
            seconds[name] = time.perf_counter() - start
        scores["full"] = evaluate(generator, prior, data, n=n, header=header)["frechet"].value
        yield header["step"], scores, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("-n", type=int, default=5000)
    parser.add_argument("--data")
    options = parser.parse_args()
    for run in options.runs:
        table = []
        for step, scores, seconds in rows_of(run, options.data, options.n):
            table.append((scores, seconds))
            print(run.name, step, *(f"{name} {value:.5g}" for name, value in scores.items()), sep="  ", flush=True)
        full = np.array([scores["full"] for scores, _ in table])
        print(f"\n| {run.name}: score | Spearman | chosen / best | seconds |\n|---|---|---|---|")
        for name in table[0][1]:
            values = np.array([scores[name] for scores, _ in table])
            cost = np.median([seconds[name] for _, seconds in table])
            chosen = full[values.argmin()] / full.min()
            print(f"| {name} | {spearmanr(values, full).statistic:.3f} | {chosen:.3f} | {cost:.2f} |")
        print(flush=True)


if __name__ == "__main__":
    main()
