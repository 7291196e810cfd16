"""A generator judged against real pictures that its training has not seen, alike for all that are compared."""

from __future__ import annotations

from dataclasses import replace

from ganache.data import Dataset
from ganache.evaluation.evaluation import Score
from ganache.evaluation.measure import evaluate
from ganache.types import Generator, Prior

HELD_OUT = 0.25
"""The share of the pictures that is held out: enough to be judged by; all learn from the same others."""
JUDGED = 2_000
SHOWN = ("frechet", "patches", "coverage", "recall", "precision", "variety")


def judged(generator: Generator, prior: Prior, data: Dataset) -> dict[str, Score]:
    """Scores of 2,000 pictures in the features of a random network, against the held-out ones of `data`."""
    unseen = replace(data, images=data.at(data.held_out), labels=None, contents=None).split(0.0)
    found = evaluate(generator.eval(), prior, unseen, features="random", n=JUDGED)
    return {score.name: score for score in found.scores}
