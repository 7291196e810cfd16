"""How well the scores in training follow the full evaluation.

python bench/score.py RUN [RUN ...] [-n 2000] [--most 22] [--data DATA]

Each run keeps 20 checkpoints or more, for example `ganache train DATA --recipe faces --record.keep 100`; at most `most`
of them are evaluated, evenly spaced. For each this prints the distances of n generated pictures by the rulers of
unseen.py, and the scores of 256 pictures (`policy.score`); then, for each score and ruler, Spearman's rank correlation,
and the distance of the checkpoint that the score chooses divided by the smallest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from ganache.core import images
from ganache.runs.folder import checkpoints
from pairs import SCORES, scores_of

RULERS = ("perceptual",)
FULL = ("perceptual layers", "perceptual frechet")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("-n", type=int, default=2000)
    parser.add_argument("--most", type=int, default=22)
    parser.add_argument("--data")
    options = parser.parse_args()
    for run in options.runs:
        steps = [int(path.stem) for path in checkpoints(run)]
        names = [f"{run}@{steps[index]}" for index in images.evenly_spaced(len(steps), options.most)]
        of_names = scores_of(names, options.data, options.n, RULERS)
        found = {ruler: np.array(list(each.values())) for ruler, each in of_names.items()}
        print(f"\n| {run.name}: score | full evaluation | Spearman | chosen / best |\n|---|---|---|---|")
        for score in (f"policy.score {name}" for name in SCORES):
            for ruler in FULL:
                full, values = found[ruler], found[score]
                chosen = full[values.argmin()] / full.min()
                print(f"| {score} | {ruler} | {spearmanr(values, full).statistic:.3f} | {chosen:.3f} |")
        print(flush=True)


if __name__ == "__main__":
    main()
