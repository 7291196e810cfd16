"""The evaluation of a generator against real pictures that no compared training has seen."""

from __future__ import annotations

from dataclasses import replace

from ganache.data import Dataset
from ganache.evaluation.evaluation import Score
from ganache.evaluation.measure import evaluate
from ganache.types import Generator, Prior

HELD_OUT = 0.25
"""The share of the pictures that is held out; all trainings use the same other pictures."""
JUDGED = 2_000
SHOWN = ("frechet", "patches", "coverage", "recall", "precision", "variety")


def judged(generator: Generator, prior: Prior, data: Dataset) -> dict[str, Score]:
    """Return the scores of 2,000 samples against the held-out pictures of `data`, in random features."""
    unseen = replace(data, images=data.at(data.held_out), labels=None, contents=None).split(0.0)
    found = evaluate(generator.eval(), prior, unseen, features="random", n=JUDGED)
    return {score.name: score for score in found.scores}
