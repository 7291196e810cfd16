"""Whether the critic's loss can be trusted as a measure of the distance between the two distributions."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ganache.runs.diagnose.competition import PERFECT_ACCURACY
from ganache.runs.diagnose.dynamics import SWING
from ganache.runs.diagnose.finding import Finding, percent
from ganache.runs.diagnose.history import WINDOW, History

SMALL_HEADROOM = 0.15
"""Headroom below which a critic is near its optimum."""

MIN_CORRELATION = 0.3
"""Rank correlation below which the critic's loss has not followed the quality."""


def trust(h: History, faults: Sequence[Finding]) -> Finding | None:
    """Return whether the critic's loss can be trusted as a measure of the distance, and why; None if it is too early.

    `faults`: what impairs the run.
    """
    headroom, auc, accuracy = h.last("critic_headroom"), h.last("critic_auc"), h.last("critic_accuracy")
    if not headroom or not auc or h.is_early:
        return None
    correlation = correlation_with_score(h)
    reason = reason_for_doubt(headroom, accuracy, correlation)
    if reason is None and faults:
        reason = f"the run has a fault ({', '.join(fault.kind for fault in faults)})"
    if reason is not None:
        return Finding(
            "critic loss",
            "note",
            f"The critic's loss cannot be trusted now, because {reason}.",
            f"Medians of the last {WINDOW} probes: headroom {percent(median(headroom))}, AUC {percent(median(auc))}.",
            "Judge the run by its score and its images.",
        )
    evidence = f"A few more critic steps lower it by {percent(max(0.0, median(headroom)))}"
    evidence += f"; its rank correlation with the quality is {correlation:.2f}." if correlation is not None else "."
    at_clip = [line["estimates"]["at_clip"] for line in h.lines[-10:] if "at_clip" in line.get("estimates", {})]
    if at_clip:
        share = percent(median(at_clip))
        evidence += f" {share} of the weights are at the clipping limit, so only changes of the loss have a meaning."
    sentence = "The critic's loss can be trusted now, because the critic is near its optimum"
    sentence += " and the loss has followed the quality." if correlation is not None else "."
    return Finding("critic loss", "note", sentence, evidence, "While it falls, the images get better.")


def reason_for_doubt(headroom: list[float], accuracy: list[float], correlation: float | None) -> str | None:
    """Return why the critic's loss cannot be trusted; None if it can."""
    if median(headroom) > SMALL_HEADROOM:
        return (
            f"a few more critic steps alone lower it by {percent(median(headroom))}: the critic is far from its "
            "optimum, so the loss measures the critic and not the distance"
        )
    if accuracy and median(accuracy) >= PERFECT_ACCURACY:
        return "the critic tells all images apart: then its loss is at its limit, whatever the distance is"
    if correlation is not None and correlation < MIN_CORRELATION:
        return f"it has not followed the quality so far (rank correlation {correlation:.2f})"
    return None


def correlation_with_score(h: History) -> float | None:
    """Return the rank correlation of the negative critic loss with the score; None if they have hardly changed."""
    pairs = [(-p.critic_loss, p.score) for p in h.probes if p.critic_loss is not None and p.score is not None]
    scores = [score for _, score in pairs]
    if len(pairs) < 2 * WINDOW or max(scores) - min(scores) < SWING * median(scores):
        return None
    return spearman([loss for loss, _ in pairs], scores)


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    """Return Spearman's rank correlation of two sequences; ties are ranked by position.

    >>> spearman([1, 2, 3], [10, 30, 90]), spearman([1, 2, 3], [3, 2, 1])
    (1.0, -1.0)
    """
    n = len(a)
    orders = [sorted(range(n), key=values.__getitem__) for values in (a, b)]
    ranks = [{index: rank for rank, index in enumerate(order)} for order in orders]
    squares = sum((ranks[0][i] - ranks[1][i]) ** 2 for i in range(n))
    return 1 - 6 * squares / (n * (n * n - 1))
