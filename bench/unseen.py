"""The evaluation of a generator against real pictures that no compared training has seen, by several rulers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

from torch import Tensor

from ganache.data import Dataset
from ganache.evaluation.evaluation import Score
from ganache.evaluation.measure import evaluate
from ganache.training.device import keep_freed_memory
from ganache.types import Generator, Prior

HELD_OUT = 0.25
"""The share of the pictures that is held out; all trainings use the same other pictures."""
JUDGED = 2_000
RULERS = {
    "perceptual": ("frechet", "precision", "recall", "coverage", "patches", "variety"),
    "perceptual-2": ("frechet", "coverage"),
    "random": ("frechet",),
}
"""Features -> the scores that are shown. Choices are made by the first, and judged by the second."""
SHOWN = tuple(f"{features} {score}" for features, scores in RULERS.items() for score in scores)
CHOSEN_BY, JUDGED_BY = "perceptual frechet", "perceptual-2 frechet"


class Remembered(Generator):
    """A generator that computes each batch of latents once, however many rulers ask for it."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.z_dim, self.image_shape = generator.z_dim, generator.image_shape
        self.generator, self.known = generator, dict[bytes, Tensor]()

    def synthesis(self, w: Tensor) -> Tensor:
        key = w.numpy().tobytes()
        if key not in self.known:
            self.known[key] = self.generator(w)
        return self.known[key]


def judged(generator: Generator, prior: Prior, data: Dataset) -> dict[str, Score]:
    """Return the SHOWN scores of 2,000 samples against the held-out pictures of `data`."""
    keep_freed_memory()
    generator = Remembered(generator)
    fingerprint = f"{data.fingerprint}-held-out"  # by which features of real pictures are cached
    unseen = replace(
        data, images=data.at(data.held_out), labels=None, digests=None, fingerprint=fingerprint
    ).split(0.0)
    found = {}
    for features, names in RULERS.items():
        evaluation = evaluate(generator.eval(), prior, unseen, features=features, n=JUDGED)
        found |= {f"{features} {name}": evaluation[name] for name in names}
    return found


def order_note(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Return a sentence on the pairs of rows that the two perceptual rulers order differently; "" if there is none."""
    pairs = [
        f"{a} and {b}"
        for a, b in combinations(rows, 2)
        if (rows[a][CHOSEN_BY] - rows[b][CHOSEN_BY]) * (rows[a][JUDGED_BY] - rows[b][JUDGED_BY]) < 0
    ]
    return f"The two perceptual rulers order differently: {'; '.join(pairs)}." if pairs else ""
