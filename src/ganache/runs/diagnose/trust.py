"""Whether the critic's loss is to be trusted as a measure of the distance between the two distributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from ganache.runs.diagnose.balance import SURE, SWINGS
from ganache.runs.diagnose.history import WINDOW, History
from ganache.runs.diagnose.words import Finding, percent

GAINED = 0.15
"""Share of its loss that a critic near its best cannot gain in a few steps more."""

FOLLOWS = 0.3
"""Rank correlation below which the critic's loss has not followed the quality."""


def critic_loss_finding(log: Sequence[Mapping[str, Any]]) -> Finding | None:
    """Whether the critic's loss is to be trusted now as a measure of the distance, and why; None too early to tell."""
    h = History.of(log)
    gain, told_apart, right = h.last("critic_headroom"), h.last("critic_auc"), h.last("critic_accuracy")
    if not gain or not told_apart:
        return None
    at_clip = [line["estimates"]["at_clip"] for line in h.lines[-10:] if "at_clip" in line.get("estimates", {})]
    rank = followed(h)
    if median(gain) > GAINED:
        why = (
            f"a few more critic steps alone lower it by {percent(median(gain))}, so the critic is far from its best "
            "and the loss shows the critic, not the distance"
        )
    elif right and median(right) >= SURE:
        why = "the critic tells everything apart, and such a loss is at its end then, however far the two are"
    elif rank is not None and rank < FOLLOWS:
        why = f"it has not followed the quality so far (rank correlation {rank:.2f})"
    else:
        evidence = f"A few more critic steps alone lower it by {percent(max(0.0, median(gain)))}"
        evidence += f"; its rank correlation with the quality is {rank:.2f}." if rank is not None else "."
        if at_clip:
            evidence += f" {percent(median(at_clip))} of the weights are at the clip, so only its course counts."
        sentence = "The critic's loss is to be trusted now, because the critic is near its best"
        sentence += " and the loss has followed the quality." if rank is not None else "."
        return Finding("critic's loss", "note", sentence, evidence, "A falling distance means better pictures.")
    return Finding(
        "critic's loss",
        "note",
        f"The critic's loss is not to be trusted now, because {why}.",
        f"Medians of the last {WINDOW} looks: gain {percent(median(gain))}, pairs in order "
        f"{percent(median(told_apart))}.",
        "Judge by the score and the pictures.",
    )


def followed(h: History) -> float | None:
    """Rank correlation of the critic's loss, turned, with the score; None while either has hardly moved."""
    pairs = [(-k.critic_loss, k.score) for k in h.looks if k.critic_loss is not None and k.score is not None]
    scores = [score for _, score in pairs]
    if len(pairs) < 2 * WINDOW or max(scores) - min(scores) < SWINGS * median(scores):
        return None
    return spearman([loss for loss, _ in pairs], scores)


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    """Rank correlation of two rows of numbers; ties are broken by place.

    >>> spearman([1, 2, 3], [10, 30, 90]), spearman([1, 2, 3], [3, 2, 1])
    (1.0, -1.0)
    """
    n = len(a)
    ranks = [sorted(range(n), key=row.__getitem__) for row in (a, b)]
    place = [{index: rank for rank, index in enumerate(order)} for order in ranks]
    off = sum((place[0][i] - place[1][i]) ** 2 for i in range(n))
    return 1 - 6 * off / (n * (n * n - 1))
